/**
 * Runs the installed `pip`, so that its index, mirror, proxy and certificate settings apply. No shell is started, and
 * nothing is installed.
 */
import { spawn } from "node:child_process";
import { AiError } from "@openai-compat/core";
import { DISK_IS_FULL } from "../model-unavailable-error.ts";

/** Ways to start pip, most specific to Python 3 first. */
const PIP_COMMANDS: readonly (readonly [string, ...string[]])[] = [
  ["python3", "-m", "pip"],
  ["python", "-m", "pip"],
  ["py", "-m", "pip"],
  ["pip3"],
  ["pip"],
];
/** Of each stream; the beginning of the one, the end of the other. */
const OUTPUT_CHARACTERS_MAX = 64 * 1024;
const REASON_CHARACTERS = 300;

export interface PipOptions {
  readonly environment: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * @returns what pip wrote to its standard output
 * @throws AiError `engine_unavailable` when there is no pip, or pip fails or takes longer than `timeoutMs`
 */
export async function runPip(words: readonly string[], options: PipOptions): Promise<string> {
  for (const command of PIP_COMMANDS) {
    const outcome = await tryCommand(command, words, options);
    if (outcome.kind === "done") return outcome.output;
    if (outcome.kind === "failed") throw new AiError("engine_unavailable", outcome.reason);
  }
  throw new AiError("engine_unavailable", "no pip for Python 3 was found on this machine");
}

type PipOutcome =
  | { readonly kind: "done"; readonly output: string }
  | { readonly kind: "absent" }
  | { readonly kind: "failed"; readonly reason: string };

async function tryCommand(
  [program, ...prefix]: readonly [string, ...string[]],
  words: readonly string[],
  { environment, timeoutMs, signal }: PipOptions,
): Promise<PipOutcome> {
  signal?.throwIfAborted();
  const timeout = AbortSignal.timeout(timeoutMs);
  const child = spawn(program, [...prefix, ...words], {
    env: environment,
    stdio: ["ignore", "pipe", "pipe"],
    signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    killSignal: "SIGKILL",
    windowsHide: true,
  });
  let output = "";
  let errorOutput = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output = (output + text).slice(0, OUTPUT_CHARACTERS_MAX);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errorOutput = (errorOutput + text).slice(-OUTPUT_CHARACTERS_MAX);
  });
  try {
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject).once("close", resolve);
    });
    if (exitCode === 0) return { kind: "done", output };
    if (/No module named '?pip/.test(errorOutput)) return { kind: "absent" };
    return { kind: "failed", reason: describeOutput(errorOutput) };
  } catch (error) {
    signal?.throwIfAborted();
    if (timeout.aborted) return { kind: "failed", reason: `pip did not finish within ${timeoutMs} ms` };
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "EACCES") return { kind: "absent" };
    throw error;
  }
}

/** pip says what is wrong with a package in a line of its own, and of a crash the last line of the stack says why. */
function describeOutput(text: string): string {
  if (/\[Errno 28\]|No space left on device/.test(text)) return DISK_IS_FULL;
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  const said = lines.findLast((line) => /^ERROR: (?!Exception:?\s*$)/.test(line)) ?? lines.at(-1) ?? "it said nothing";
  return `pip failed: ${said.trim().slice(0, REASON_CHARACTERS)}`;
}
