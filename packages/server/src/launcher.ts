#!/usr/bin/env node
/**
 * The executable `openai-compat`. The server needs `node:sqlite`, which Node.js has from 22.13: on an older one this
 * gets a newer Node.js from npm and runs itself with it. It knows nothing of the server, so that old versions can load
 * it.
 */

import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";

const NODE_PACKAGE = "node@24";
const NODE_FETCH_TIME_MS_MAX = 300_000;
const FORWARDED_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

async function hasSqlite(): Promise<boolean> {
  return import("node:sqlite").then(
    () => true,
    () => false,
  );
}

/** Path of a Node.js that is new enough, out of npm's cache or just fetched; `null` when there is none to be had. */
function findNewerNode(): string | null {
  const { stdout, stderr } = spawnSync(`npx -y -p ${NODE_PACKAGE} node -p process.execPath`, {
    shell: true,
    encoding: "utf8",
    timeout: NODE_FETCH_TIME_MS_MAX,
    windowsHide: true,
  });
  const executable = stdout.trim().split("\n").at(-1) ?? "";
  if (executable !== process.execPath && existsSync(executable)) return executable;
  process.stderr.write(stderr);
  return null;
}

function runWith(executable: string): void {
  const child = spawn(executable, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: "inherit",
    env: { ...process.env, OPENAI_COMPAT_RELAUNCHED: "1" },
  });
  for (const signal of FORWARDED_SIGNALS) {
    // A terminal's Ctrl-C reaches the child by itself: it is in the same foreground group.
    process.on(signal, () => void (signal === "SIGINT" && process.stdin.isTTY ? null : child.kill(signal)));
  }
  child.on("error", (error) => fail(`${executable} cannot be started: ${error.message}`));
  child.on("exit", (code, signal) => {
    process.exitCode = signal === null ? (code ?? 1) : 128 + constants.signals[signal];
  });
}

function fail(message: string): void {
  process.stderr.write(`openai-compat: ${message}\n`);
  process.exitCode = 1;
}

if (await hasSqlite()) {
  await import("./main.ts");
} else {
  const tooOld = `Node.js ${process.version} has no node:sqlite; the server needs Node.js 22.13 or newer`;
  const wasRelaunched = process.env["OPENAI_COMPAT_RELAUNCHED"] === "1";
  process.stderr.write(`openai-compat: ${tooOld}. Getting ${NODE_PACKAGE} from npm …\n`);
  const executable = wasRelaunched ? null : findNewerNode();
  if (executable === null) fail(`${tooOld}, and \`npx -p ${NODE_PACKAGE}\` gave none. Install it and try again.`);
  else runWith(executable);
}
