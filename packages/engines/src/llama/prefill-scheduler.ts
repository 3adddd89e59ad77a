/**
 * Decides who evaluates when. Prompts are read in chunks, one chunk in flight at a time, in turns, and no token is drawn
 * meanwhile: a chunk that shared an evaluation with running streams would be cut by the library, and its rounding would
 * depend on them. Between two chunks every running stream draws one token, so a small chunk is what keeps streams
 * moving, aborts quick and newcomers unhindered.
 */

import { createSlotPool } from "../shared/slot-pool.ts";

export interface PrefillScheduler {
  /**
   * Waits for the turn and for the draws in flight, then calls `read` with the number of tokens that it must evaluate,
   * at most `tokensLeft`.
   *
   * @throws the signal's reason when it aborts before the turn comes; what `read` throws
   */
  takeTurn<Result>(options: PrefillTurn<Result>): Promise<Result>;
  /** The same for work that reads nothing and that no draw may meet. */
  runAlone<Result>(signal: AbortSignal, work: () => Promise<Result>): Promise<Result>;
  /** Calls `draw` at once, or when the chunk in flight has been read. Draws run side by side. */
  takeDraw<Result>(draw: () => Promise<Result>): Promise<Result>;
}

export interface PrefillTurn<Result> {
  readonly signal: AbortSignal;
  readonly tokensLeft: number;
  readonly read: (tokens: number) => Promise<Result>;
}

export interface PrefillSchedulerOptions {
  /** The last chunk of a prompt holds this many tokens and what is left, the others exactly this many. */
  readonly chunkTokens: number;
}

export function createPrefillScheduler({ chunkTokens }: PrefillSchedulerOptions): PrefillScheduler {
  const turns = createSlotPool(["turn"]);
  const phases = createPhases();

  async function runAlone<Result>(signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
    const turn = await turns.acquire(signal);
    try {
      return await phases.runAlone(async () => {
        signal.throwIfAborted();
        return work();
      });
    } finally {
      turns.release(turn);
    }
  }

  return {
    takeTurn: ({ signal, tokensLeft, read }) =>
      runAlone(signal, () => read(tokensLeft < 2 * chunkTokens ? tokensLeft : chunkTokens)),
    runAlone,
    takeDraw: phases.runBeside,
  };
}

interface Phases {
  /** One at a time, after what runs beside has ended. Never called while another one waits or runs. */
  readonly runAlone: <Result>(work: () => Promise<Result>) => Promise<Result>;
  readonly runBeside: <Result>(work: () => Promise<Result>) => Promise<Result>;
}

/**
 * Phases take turns, so neither kind starves the other: while work that must be alone waits or runs, newcomers queue, and
 * when it has ended all of them start before the next such work does.
 */
function createPhases(): Phases {
  let beside = 0;
  let aloneIsDue = false;
  let onDrained = () => {};
  let queued: (() => void)[] = [];

  function endBeside(): void {
    beside -= 1;
    if (beside === 0) onDrained();
  }

  return {
    async runAlone(work) {
      aloneIsDue = true;
      try {
        if (beside > 0) await new Promise<void>((resolve) => (onDrained = resolve));
        return await work();
      } finally {
        aloneIsDue = false;
        const admitted = queued;
        queued = [];
        // Counted here and not when they wake up: the next work that must be alone may ask before they do.
        beside += admitted.length;
        for (const start of admitted) start();
      }
    },
    async runBeside(work) {
      if (aloneIsDue) await new Promise<void>((resolve) => queued.push(resolve));
      else beside += 1;
      try {
        return await work();
      } finally {
        endBeside();
      }
    },
  };
}
