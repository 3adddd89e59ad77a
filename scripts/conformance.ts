/**
 * Runs the conformance suite. Without a target it starts our own server on a free port with ephemeral accounts and
 * small, fast models, says which, and stops it afterwards. Arguments are the suite's, plus
 * `--engines small|auto|scripted|upstream|upstream-native` and `--ready-timeout SECONDS` for that server. The exit code is the suite's.
 */

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import path from "node:path";
import { readConformanceArguments, type OurServerChoice } from "./conformance-arguments.ts";
import { startLocalGateway } from "./local-gateway.ts";
import { startLocalServer, type LocalServer } from "./local-server.ts";

const root = path.dirname(import.meta.dirname);
/** In the working directory, beside the reports. */
const LOG_FILE = "conformance-server.log";
/** Checks at the same time, against models of ours: as many as the small ones have slots for. */
const CONCURRENCY = 4;
const USAGE_EXIT_CODE = 2;
const HARNESS_EXIT_CODE = 4;
const INTERRUPTED_EXIT_CODE = 130;

/** What people export for other programs must not redirect a run against our own server. */
function withoutTarget(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith("OPENAI_")));
}

async function runSuite(words: readonly string[], environment: NodeJS.ProcessEnv): Promise<number> {
  const suite = spawn(process.execPath, [path.join(root, "conformance/src/main.ts"), ...words], {
    stdio: "inherit",
    env: environment,
  });
  // Ctrl-C reaches the suite by itself; this process waits for its report.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => suite.kill("SIGINT"));
  await once(suite, "exit");
  return suite.exitCode ?? HARNESS_EXIT_CODE;
}

function startOurServer({ engines, readyTimeMsMax }: OurServerChoice, signal: AbortSignal): Promise<LocalServer> {
  const options = {
    command: process.execPath,
    arguments: [path.join(root, "packages/server/src/main.ts"), "serve"],
    readyTimeMsMax,
    signal,
    logFile: path.resolve(LOG_FILE),
  };
  if (engines === "upstream") return startLocalGateway({ ...options, responses: "bridge" });
  if (engines === "upstream-native") return startLocalGateway({ ...options, responses: "native" });
  return startLocalServer({ ...options, engines });
}

/** Where nothing listens: a plan reads all that was typed and needs no answer. */
const NO_TARGET = "http://127.0.0.1:9/v1";

/** What is misspelt is said before a model is downloaded for it. @returns whether the suite can run with these words */
function checkWords(words: readonly string[]): boolean {
  const given = words[0] === "run" ? words.slice(1) : words;
  const plan = [path.join(root, "conformance/src/main.ts"), "run", "--plan", "--base-url", NO_TARGET, ...given];
  const env = withoutTarget(process.env);
  return spawnSync(process.execPath, plan, { stdio: ["ignore", "ignore", "inherit"], env }).status !== USAGE_EXIT_CODE;
}

async function runAgainstOurServer(choice: OurServerChoice, words: readonly string[]): Promise<number> {
  const interrupted = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"]) process.once(name, () => interrupted.abort(new Error("interrupted")));
  // Each run has a log of its own.
  rmSync(LOG_FILE, { force: true });
  let server: LocalServer;
  try {
    server = await startOurServer(choice, interrupted.signal);
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
    console.error("Interrupted before the server was ready: nothing was checked.");
    return INTERRUPTED_EXIT_CODE;
  }
  try {
    console.log(`The target is our own server (log: ${LOG_FILE}).\n${server.summary}\n`);
    const command = words[0] === "run" ? words.slice(1) : words;
    const bounds = choice.engines === "upstream" ? [] : ["--concurrency", String(CONCURRENCY)];
    return await runSuite(["run", "--target", server.targetFile, ...bounds, ...command], withoutTarget(process.env));
  } finally {
    await server.stop();
  }
}

function explain(error: unknown): void {
  console.error(`conformance: ${error instanceof Error ? error.message : String(error)}`);
}

async function main(words: readonly string[]): Promise<number> {
  let choice;
  try {
    choice = readConformanceArguments(words);
  } catch (error) {
    explain(error);
    return USAGE_EXIT_CODE;
  }
  try {
    if (choice.server === null) return await runSuite(choice.suite, process.env);
    if (!checkWords(choice.suite)) return USAGE_EXIT_CODE;
    return await runAgainstOurServer(choice.server, choice.suite);
  } catch (error) {
    explain(error);
    return HARNESS_EXIT_CODE;
  }
}

process.exitCode = await main(process.argv.slice(2));
