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
  /** Ends it as a lack of memory or of power would: nothing of it runs afterwards. */
  kill(): Promise<void>;
}

/** A directory that is gone after the test. */
export function createTestDirectory(): string {
  const directory = mkdtempSync(path.join(tmpdir(), "openai-compat-serve-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Starts it on a free port; it ends with the test. @param config without the port and what signs tokens. */
export async function startServeProcess(config: ConfigInput): Promise<ServeProcess> {
  const directory = createTestDirectory();
  const files = { config: path.join(directory, "config.json"), ready: path.join(directory, "ready.json") };
  writeFileSync(files.config, JSON.stringify({ port: 0, auth: { jwtSecret: JWT_SECRET }, ...config }));
  const child = spawn(process.execPath, [PROGRAM, "serve", "--config", files.config, "--ready-file", files.ready], {
    env: { PATH: process.env["PATH"] ?? "", HOME: directory },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
  const exited = once(child, "exit");
  const kill = async () => {
    child.kill("SIGKILL");
    await exited;
  };
  onTestFinished(kill);
  await vi.waitFor(() => expect(existsSync(files.ready), log).toBe(true), { timeout: START_TIME_MS_MAX });
  const { base_url: baseUrl } = readySchema.parse(JSON.parse(await readFile(files.ready, "utf8")));
  return { baseUrl, kill };
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
