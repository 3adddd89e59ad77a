/** A program that behaves as whisper.cpp's, and a model file for it. */

import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeTemporaryDirectory } from "../../models/testing/temporary-directory.ts";
import { makeTinyWhisper } from "../../whisper/testing/tiny-whisper.ts";
import { writeTinyGgml } from "./tiny-ggml.ts";

export type FakeMode = "plain" | "odd" | "made" | "hang" | "crash" | "fail" | "silent" | "garbage" | "flood";

export interface FakeWhisperNode extends AsyncDisposable {
  readonly modelPath: string;
  /** Of a model of English alone. */
  readonly englishModelPath: string;
  readonly voiceDetectorPath: string;
  readonly binaryPaths: Readonly<Record<FakeMode, string>>;
}

const MODES: readonly FakeMode[] = ["plain", "odd", "made", "hang", "crash", "fail", "silent", "garbage", "flood"];
const SCRIPT = join(import.meta.dirname, "fake-whisper-cpp.ts");

export async function makeFakeWhisperNode(): Promise<FakeWhisperNode> {
  const directory = await makeTemporaryDirectory();
  const tiny = await makeTinyWhisper();
  const { modelPath } = await writeTinyGgml(directory.path);
  const english = await writeTinyGgml(directory.path, { isMultilingual: false });
  const writeMode = async (mode: FakeMode): Promise<readonly [FakeMode, string]> => {
    const path = join(directory.path, `main ${mode}`);
    await writeFile(path, `#!/bin/sh\nexec "${process.execPath}" "${SCRIPT}" ${mode} "$@"\n`);
    await chmod(path, 0o755);
    return [mode, path];
  };
  return {
    modelPath,
    englishModelPath: english.modelPath,
    voiceDetectorPath: tiny.voiceDetectorPath,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- one for each mode
    binaryPaths: Object.fromEntries(await Promise.all(MODES.map(writeMode))) as Record<FakeMode, string>,
    async [Symbol.asyncDispose]() {
      await tiny[Symbol.asyncDispose]();
      await directory[Symbol.asyncDispose]();
    },
  };
}
