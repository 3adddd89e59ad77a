/**
 * Finds out whether the native library runs here, without loading it into this process: a missing binary, another libc
 * or an instruction that the CPU lacks ends the probe's process and nothing else. A success is cached next to the
 * models, because the probe takes seconds.
 */

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { cacheDirectory } from "../models/cache-directory.ts";

export type LlamaAvailability =
  | { readonly available: true }
  | {
      readonly available: false;
      /** The reason, as a sentence for people. */
      readonly reason: string;
      /** Whether it is not installed at all. */
      readonly isMissing?: boolean;
    };

export interface ProbeLlamaOptions {
  /** Where successes are remembered. Default: the shared cache. */
  readonly directory?: string;
  /** The library's entry module as a `file:` URL; null when it is not installed. Default: what `import` would load. */
  readonly moduleUrl?: string | null;
  /** Default 60,000. */
  readonly timeoutMs?: number;
}

/**
 * The engine's own options, so that the probe tests what will run. The library tests its binary in a
 * fork, which would inherit `--eval` and run this text instead of its own.
 */
const PROBE = `
  process.execArgv.length = 0;
  const { getLlama } = await import(process.argv[1]);
  await getLlama({ gpu: false, build: "never", skipDownload: true, progressLogs: false, maxThreads: 1, logLevel: "disabled" });
  process.exit(0);
`;
const REASON_LENGTH_MAX = 200;

export async function probeLlama(options: ProbeLlamaOptions = {}): Promise<LlamaAvailability> {
  const moduleUrl = options.moduleUrl === undefined ? findModule() : options.moduleUrl;
  if (moduleUrl === null) {
    return { available: false, reason: "the package node-llama-cpp is not installed.", isMissing: true };
  }
  const directory = options.directory ?? cacheDirectory();
  const marker = join(directory, `llama-runs-${await fingerprint(moduleUrl)}`);
  if (await exists(marker)) return { available: true };
  try {
    const words = ["--input-type=module", "--eval", PROBE, moduleUrl];
    await promisify(execFile)(process.execPath, words, {
      timeout: options.timeoutMs ?? 60_000,
      killSignal: "SIGKILL",
      windowsHide: true,
    });
  } catch (thrown) {
    const reason = `node-llama-cpp does not run on this machine (${process.platform}-${process.arch}): ${explain(thrown)}`;
    return { available: false, reason };
  }
  await mkdir(directory, { recursive: true });
  await writeFile(marker, "");
  return { available: true };
}

function findModule(): string | null {
  try {
    return import.meta.resolve("node-llama-cpp");
  } catch {
    return null;
  }
}

/** Another file, release, Node.js or machine type requires a new probe. */
async function fingerprint(moduleUrl: string): Promise<string> {
  const modified = await stat(fileURLToPath(moduleUrl)).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
  const facts = [moduleUrl, modified, process.platform, process.arch, process.versions.modules];
  return createHash("sha256").update(facts.join("\n")).digest("hex").slice(0, 16);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** The line that names the error, out of the stack that Node.js prints. */
function explain(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if ("killed" in thrown && thrown.killed === true) return "it did not answer in time.";
  const stderr = "stderr" in thrown && typeof thrown.stderr === "string" ? thrown.stderr : "";
  const line = stderr.split("\n").find((candidate) => /^\w*Error\b/.test(candidate.trim()));
  if (line !== undefined) return line.trim().slice(0, REASON_LENGTH_MAX);
  const signal = "signal" in thrown && typeof thrown.signal === "string" ? thrown.signal : null;
  return signal === null ? "its process ended with an error." : `its process was ended by ${signal}.`;
}
