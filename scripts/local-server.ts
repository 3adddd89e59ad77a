/** Starts an ephemeral server for as long as something is run against it, and stops it by its own process id. */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export interface LocalServerOptions {
  /** The server's executable. */
  readonly command: string;
  /** Its arguments up to those that make it ephemeral. */
  readonly arguments: readonly string[];
  /** As `serve --engines`: the best models, the smallest, or none. */
  readonly engines: "auto" | "small" | "scripted";
  /**
   * A server that is not ready by then is stopped, and the start fails. A model that has to be pulled takes minutes.
   */
  readonly readyTimeMsMax: number;
  /** A server that has not stopped by then is killed. Default: 15 s. */
  readonly stopTimeMsMax?: number;
  /** Where its log goes. What is there stays. */
  readonly logFile: string;
  /** Default: this process's. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Gives up on a start. */
  readonly signal?: AbortSignal;
}

export interface LocalServer {
  /** The file with the base URL, keys and models for the suite. `stop` deletes it. */
  readonly targetFile: string;
  /** What the server says that it serves with: the lines of its output before its address. */
  readonly summary: string;
  /** @throws Error when the server had failed before: what was found out about it is worth nothing then. */
  stop(): Promise<void>;
}

/** How the line with the server's address starts. */
const ADDRESS = "\nListening on ";
const STOP_TIME_MS_MAX = 15_000;
const POLL_INTERVAL_MS = 50;

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function describeEnd({ signalCode, exitCode }: ChildProcess): string {
  return `ended (${signalCode ?? `exit code ${exitCode}`})`;
}

async function stopProcess(child: ChildProcess, stopTimeMsMax: number): Promise<void> {
  if (hasEnded(child) || child.pid === undefined) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), stopTimeMsMax);
  await ended;
  clearTimeout(timer);
}

async function waitUntilReady(child: ChildProcess, targetFile: string, options: LocalServerOptions): Promise<void> {
  const deadlineMs = performance.now() + options.readyTimeMsMax;
  const failure = { thrown: null as Error | null };
  child.once("error", (error) => (failure.thrown = error));
  while (!existsSync(targetFile)) {
    options.signal?.throwIfAborted();
    if (failure.thrown !== null) throw failure.thrown;
    if (hasEnded(child)) {
      throw new Error(`the server ${describeEnd(child)} before it was ready`);
    }
    if (performance.now() > deadlineMs) {
      throw new Error(`the server was not ready within ${options.readyTimeMsMax / 1000} s`);
    }
    await sleep(POLL_INTERVAL_MS);
  }
}

/** @throws Error when the server ends or the time is up before it is ready; nothing is left running then. */
export async function startLocalServer(options: LocalServerOptions): Promise<LocalServer> {
  const folder = mkdtempSync(path.join(tmpdir(), "openai-compat-"));
  const targetFile = path.join(folder, "target.json");
  const ephemeral = ["--throwaway", "--port", "0", "--ready-file", targetFile, "--engines", options.engines];
  const child = spawn(options.command, [...options.arguments, ...ephemeral], {
    // Standard error is the terminal's own, so that the progress bar of a download shows.
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...(options.environment ?? process.env), OPENAI_COMPAT_LOG_FILE: options.logFile },
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    if (!output.includes(ADDRESS)) output += text;
  });
  const clean = async (): Promise<void> => {
    await stopProcess(child, options.stopTimeMsMax ?? STOP_TIME_MS_MAX);
    rmSync(folder, { recursive: true, force: true });
  };
  const stop = async (): Promise<void> => {
    const hasFailed = hasEnded(child) && child.exitCode !== 0;
    await clean();
    if (hasFailed)
      throw new Error(`the server ${describeEnd(child)} while it was in use; its log is ${options.logFile}`);
  };
  try {
    await waitUntilReady(child, targetFile, options);
  } catch (error) {
    await clean();
    throw error;
  }
  return { targetFile, summary: output.split(ADDRESS, 1)[0] ?? "", stop };
}
