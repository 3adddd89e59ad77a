/**
 * Runs the program of whisper.cpp on recordings in a folder, without a shell: one process, which loads the model and ends
 * with the last recording. What it prints of texts is not read; it writes them to files.
 */

import { execFile } from "node:child_process";
import type { ExecFileException } from "node:child_process";
import { childEnvironment } from "../host/child-environment.ts";

export interface BinaryRun {
  readonly binaryPath: string;
  readonly arguments: readonly string[];
  readonly directory: string;
  readonly timeMsMax: number;
  /** Called with each line of standard error. */
  readonly onLine: (line: string) => void;
}

/** Of everything that is printed for some minutes of audio, texts included: about 100 bytes a second. */
const PRINTED_BYTES_MAX = 16 * 1024 * 1024;
/** Characters; a longer one is cut. */
const LINE_LENGTH_MAX = 2_000;

/**
 * Ends when the process has: nothing writes to the folder any more.
 *
 * @throws the signal's reason after its abort; Error when the process can't be started, fails, is killed or takes too long
 */
export async function runBinary(run: BinaryRun, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const ended = Promise.withResolvers<void>();
  const child = execFile(
    run.binaryPath,
    run.arguments,
    {
      cwd: run.directory,
      env: childEnvironment(process.env),
      shell: false,
      windowsHide: true,
      maxBuffer: PRINTED_BYTES_MAX,
      timeout: run.timeMsMax,
      killSignal: "SIGKILL",
    },
    (error) => (error === null ? ended.resolve() : ended.reject(explainFailure(error, run))),
  );
  // Not the signal of execFile: it does not wait for the end.
  const onAbort = (): void => void child.kill("SIGKILL");
  signal.addEventListener("abort", onAbort, { once: true });
  let rest = "";
  child.stderr?.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = (lines.pop() ?? "").slice(0, LINE_LENGTH_MAX);
    for (const line of lines) run.onLine(line.slice(0, LINE_LENGTH_MAX));
  });
  try {
    await ended.promise;
  } catch (thrown) {
    signal.throwIfAborted();
    throw thrown;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** The error of Node.js itself has the whole command in its message, and with it the prompt of a request. */
function explainFailure({ code, signal: killedBy, killed }: ExecFileException, run: BinaryRun): Error {
  if (code === "ERR_CHILD_PROCESS_STDIO_MAXBUFFER") return new Error("whisper.cpp printed too much and was killed.");
  if (killed === true) return new Error(`whisper.cpp was killed because it took longer than ${run.timeMsMax} ms.`);
  if (typeof killedBy === "string") return new Error(`whisper.cpp was ended by ${killedBy}.`);
  return new Error(`whisper.cpp ended with ${code ?? "an unknown code"}.`);
}
