/** The options and the result of a benchmark, whatever it measures. */

export interface AreaOptions {
  /** Interleaved rounds of every measure. */
  readonly rounds: number;
  /** Threads of a local engine. */
  readonly threads: number;
  /** Texts that a local embedding engine reads at once, on a thread each. */
  readonly parallelInputs: number;
  /** Requests over which memory is watched. */
  readonly requests: number;
  /** How long an attack lasts. */
  readonly minutes: number;
  /** Names of the attacks that run at once; null for all. */
  readonly attacks: readonly string[] | null;
  /** Fewer and shorter rounds, for a first look. */
  readonly isQuick: boolean;
}

export interface AreaResult {
  /** For people. */
  readonly text: string;
  /** The same for programs: what JSON can hold. */
  readonly figures: unknown;
}
