/** `openai-compat serve` as an operator starts it, in a process of its own, which a test may kill. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { mintToken } from "@openai-compat/core";
import { expect, onTestFinished, vi } from "vitest";
import { z } from "zod";
import type { ConfigInput } from "../config.ts";

const PROGRAM = fileURLToPath(new URL("../main.ts", import.meta.url));
const JWT_SECRET = "a secret of the tests alone, long enough";
const START_TIME_MS_MAX = 30_000;
const TOKEN_LIFETIME_SECONDS = 3600;

const readySchema = z.looseObject({ base_url: z.string() });

export interface ServeProcess {
  readonly baseUrl: string;
  /** What it wrote to standard error. */
  readonly log: () => string;
  /** Ends it as a lack of memory or of power would: nothing of it runs afterwards. */
  kill(): Promise<void>;
  /** Sends a signal, to its group as a terminal does or to it alone, upon which it is to end by itself. @returns its exit code. */
  end(signal: NodeJS.Signals, receiver?: "process" | "group"): Promise<number | null>;
}

export interface ServeProcessOptions {
  /** For Node.js itself. */
  readonly nodeOptions?: string;
  /**
   * The test provokes an error that nothing catches, and checks itself what becomes of it. Default: such an error fails
   * the test.
   */
  readonly expectsFault?: boolean;
  /** Whether it leads a group of processes. Default: it is in that of the test. */
  readonly ownGroup?: boolean;
}

/** What a process writes with an unhandled error, ours or Node.js itself. */
export const FAULT =
  /an unforeseen error ends the server|^Node\.js v\d+\.\d+|Unhandled 'error' event|^Error: Unhandled/m;

/** A directory that is gone after the test. */
export function createTestDirectory(): string {
  const directory = mkdtempSync(path.join(tmpdir(), "openai-compat-serve-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/**
 * Starts it on a free port; it ends with the test, and fails it when it ended before by itself or with an unhandled
 * error.
 *
 * @param config without the port and what signs tokens.
 */
export async function startServeProcess(
  config: ConfigInput,
  { nodeOptions = "", expectsFault = false, ownGroup = false }: ServeProcessOptions = {},
): Promise<ServeProcess> {
  const directory = createTestDirectory();
  const files = { config: path.join(directory, "config.json"), ready: path.join(directory, "ready.json") };
  writeFileSync(files.config, JSON.stringify({ port: 0, auth: { jwtSecret: JWT_SECRET }, ...config }));
  const child = spawn(process.execPath, [PROGRAM, "serve", "--config", files.config, "--ready-file", files.ready], {
    env: { PATH: process.env["PATH"] ?? "", HOME: directory, NODE_OPTIONS: nodeOptions },
    stdio: ["ignore", "ignore", "pipe"],
    detached: ownGroup,
  });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
  const closed = once(child, "close");
  let isAsked = false;
  const end = async (signal: NodeJS.Signals, receiver: "process" | "group" = "process") => {
    isAsked = true;
    if (receiver === "group" && child.pid !== undefined) process.kill(-child.pid, signal);
    else child.kill(signal);
    await closed;
    return child.exitCode;
  };
  const kill = async () => void (await end("SIGKILL"));
  onTestFinished(async () => {
    const hasEnded = !isAsked && (child.exitCode !== null || child.signalCode !== null);
    await kill();
    expect(hasEnded, `The server ended by itself:\n${log}`).toBe(false);
    if (!expectsFault) expect(log).not.toMatch(FAULT);
  });
  await Promise.race([
    vi.waitFor(() => expect(existsSync(files.ready), log).toBe(true), { timeout: START_TIME_MS_MAX }),
    closed.then(() => expect.unreachable(`The server ended before it listened:\n${log}`)),
  ]);
  const { base_url: baseUrl } = readySchema.parse(JSON.parse(await readFile(files.ready, "utf8")));
  return { baseUrl, log: () => log, kill, end };
}

/** A token for an account of such a server. */
export function mintAccountToken(accountId: string): Promise<string> {
  return mintToken({
    settings: { secret: JWT_SECRET, issuer: null, audience: null, clockToleranceSeconds: 0 },
    accountId,
    appName: "tests",
    capabilities: [{ domain: "ai", pointers: ["*"], can: ["*"] }],
    expiresInSeconds: TOKEN_LIFETIME_SECONDS,
  });
}
