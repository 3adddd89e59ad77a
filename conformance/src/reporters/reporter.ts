/** What a reporter is: something that follows the events of a run and writes to one place. */

import type { RunEvent } from "../run-conformance.ts";

export interface Reporter {
  handle(event: RunEvent): void;
}

export interface Output {
  write(text: string): void;
  /** Whether a person watches: progress and colour make sense. */
  readonly isTerminal: boolean;
  /** Width of a terminal in characters, as it is now. Default: 80. */
  readonly columns?: number | undefined;
}

const COLUMNS = 80;

export function readColumns({ columns = COLUMNS }: Output): number {
  return columns > 0 ? columns : COLUMNS;
}
