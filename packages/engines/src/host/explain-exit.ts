/** Why the process of a model ended, as a sentence for people. */

import { cleanLine } from "./native-lines.ts";

export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why we killed it; null when we did not. */
  readonly killedFor: string | null;
  /** The end of what it wrote to its standard error. */
  readonly errorText: string;
}

/**
 * Lines that say why a process ends: of an uncaught JavaScript error, a failed allocation of V8, an uncaught C++ exception, a failed assertion
 * and the dynamic linker. Other lines are no reason, and may be of a request: llama.cpp prints a grammar that it can't parse.
 */
const REASONS =
  /^(?:[\w.]*(?:Error|Exception)(?: \[\w+\])?: |FATAL ERROR: |terminate called |what\(\): |\S+:\d+: (?:GGML_|.*[Aa]ssert)|.*(?:symbol lookup error|error while loading shared libraries|cannot open shared object file|undefined symbol): )/;

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

/** The last line that gives a reason. */
function lastWords(errorText: string): string | null {
  const lines = errorText.split("\n").map((line) => line.trim());
  const line = lines.findLast((candidate) => REASONS.test(candidate));
  return line === undefined ? null : cleanLine(line);
}
