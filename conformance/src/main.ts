#!/usr/bin/env node
/** The executable `openai-conformance`: binds the command line to this process. */

import { runCommandLine } from "./cli.ts";

const controller = new AbortController();
// A second interrupt ends the process at once: the handler is gone by then.
process.once("SIGINT", () => controller.abort(new Error("interrupted")));

process.exitCode = await runCommandLine(process.argv.slice(2), {
  stdout: { write: (text) => void process.stdout.write(text), isTerminal: process.stdout.isTTY },
  stderr: { write: (text) => void process.stderr.write(text), isTerminal: process.stderr.isTTY },
  environment: process.env,
  signal: controller.signal,
});
