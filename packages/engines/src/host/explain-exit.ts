/** Why the process of a model ended, as a sentence for people. */

export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why we killed it; null when we did not. */
  readonly killedFor: string | null;
  /** The end of what it wrote to its standard error. */
  readonly errorText: string;
}

/** Characters of the process's own words. */
const WORDS_LENGTH_MAX = 300;

export function explainExit({ code, signal, killedFor, errorText }: ChildExit): string {
  if (killedFor !== null) return `it was killed because ${killedFor}`;
  const words = lastWords(errorText);
  const how = signal === null ? `it exited with code ${code ?? "unknown"}` : describeSignal(signal);
  return words === null ? how : `${how}; its last words: ${words}`;
}

function describeSignal(signal: NodeJS.Signals): string {
  const causes: Readonly<Partial<Record<NodeJS.Signals, string>>> = {
    SIGKILL: "often the system's, when memory runs out",
    SIGBUS: "often a model file that was cut while it was read",
    SIGSEGV: "a fault of native code",
    SIGABRT: "native code gave up",
    SIGILL: "an instruction that this processor lacks",
    SIGFPE: "a fault of native code",
  };
  const cause = causes[signal];
  return `it was ended by ${signal}${cause === undefined ? "" : ` (${cause})`}`;
}

/** The line that names an error, else the last one. */
function lastWords(errorText: string): string | null {
  const lines = errorText
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const line = lines.findLast((candidate) => /error|assert|abort|terminat|exception/i.test(candidate)) ?? lines.at(-1);
  return line === undefined ? null : line.slice(0, WORDS_LENGTH_MAX);
}
