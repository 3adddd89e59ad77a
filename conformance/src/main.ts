#!/usr/bin/env node
/** The executable `openai-conformance`: binds the command line to this process. */

import { runCommandLine } from "./cli.ts";
import type { Output } from "./reporters/reporter.ts";

const controller = new AbortController();
// A second interrupt ends the process at once: the handler is gone by then.
process.once("SIGINT", () => controller.abort(new Error("interrupted")));

// The reader of the output may exit (`list | head`). Nothing can be printed then, and a run still writes its reports.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}

process.exitCode = await runCommandLine(process.argv.slice(2), {
  stdout: bindOutput(process.stdout),
  stderr: bindOutput(process.stderr),
  environment: process.env,
  signal: controller.signal,
});

function bindOutput(stream: NodeJS.WriteStream): Output {
  return {
    write: (text) => void stream.write(text),
    isTerminal: stream.isTTY,
    get columns() {
      return stream.columns;
    },
  };
}
