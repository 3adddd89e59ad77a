/**
 * Schedules evaluations. Prompts are read in chunks, one chunk in flight at a time, in turns, and no token is sampled
 * meanwhile: a chunk that shared an evaluation with running streams would be cut by the library, and its rounding would
 * depend on them. Between two chunks every running stream samples one token, so small chunks keep the pauses of
 * streams, aborts and the waits of new calls short.
 */

import { setTimeout as wait } from "node:timers/promises";
import { createSlotPool } from "../shared/slot-pool.ts";
import { createTurns } from "./turns.ts";

export interface PrefillScheduler {
  /**
   * Waits for the turn and for the decode steps in flight, then calls `read` with the number of tokens to evaluate, at
   * most `tokensLeft`.
   *
   * @throws the signal's reason when it aborts before the turn comes; what `read` throws
   */
  takeTurn<Result>(options: PrefillTurn<Result>): Promise<Result>;
  /**
   * The same for a chunk whose rows are scored, which takes a multiple of the time. If other calls asked to evaluate
   * meanwhile, no chunk is scored for the same time: so all scores together take half of the time, and a stream samples
   * many tokens between two scored chunks.
   */
  takeScoredTurn<Result>(options: PrefillTurn<Result>): Promise<Result>;
  /** The same for work that reads nothing and must not overlap a decode step. */
  runAlone<Result>(options: Turn, work: () => Promise<Result>): Promise<Result>;
  /** Calls `step` at once, or when the chunk in flight has been read. Decode steps run side by side. */
  runDecodeStep<Result>(step: () => Promise<Result>): Promise<Result>;
}

export interface Turn {
  readonly signal: AbortSignal;
  /** Identifies the call: calls take turns, whatever number of prompts each has. */
  readonly call: object | string;
}

export interface PrefillTurn<Result> extends Turn {
  readonly tokensLeft: number;
  readonly read: (tokens: number) => Promise<Result>;
}

export interface PrefillSchedulerOptions {
  /** Every chunk has exactly this many tokens; the last one also has the remainder. */
  readonly chunkTokens: number;
  /** Monotonic milliseconds, and a timer. Default: the system's clock. */
  readonly clock?: { readonly now: () => number; readonly wait: (ms: number) => Promise<unknown> };
}

const CLOCK = { now: () => performance.now(), wait: async (ms: number) => wait(ms) };

export function createPrefillScheduler({ chunkTokens, clock = CLOCK }: PrefillSchedulerOptions): PrefillScheduler {
  const turns = createTurns();
  const phases = createPhases();
  const scores = createSlotPool(["score"]);
  /** Counts requests for anything but a score. */
  let asked = 0;

  async function runInTurn<Result>({ signal, call }: Turn, work: () => Promise<Result>): Promise<Result> {
    const endTurn = await turns.take(call, signal);
    try {
      return await phases.runAlone(async () => {
        signal.throwIfAborted();
        return work();
      });
    } finally {
      endTurn();
    }
  }

  const countTokens = (tokensLeft: number) => (tokensLeft < 2 * chunkTokens ? tokensLeft : chunkTokens);

  return {
    takeTurn({ tokensLeft, read, ...turn }) {
      asked += 1;
      return runInTurn(turn, () => read(countTokens(tokensLeft)));
    },
    async takeScoredTurn({ tokensLeft, read, ...turn }) {
      const askedBefore = asked;
      const score = await scores.acquire(turn.signal);
      let tookMs = 0;
      try {
        return await runInTurn(turn, async () => {
          const startedAt = clock.now();
          try {
            return await read(countTokens(tokensLeft));
          } finally {
            tookMs = clock.now() - startedAt;
          }
        });
      } finally {
        if (asked === askedBefore) scores.release(score);
        else void clock.wait(tookMs).then(() => scores.release(score));
      }
    },
    runAlone(turn, work) {
      asked += 1;
      return runInTurn(turn, work);
    },
    runDecodeStep(step) {
      asked += 1;
      return phases.runBeside(step);
    },
  };
}

interface Phases {
  /** One at a time, after concurrent work has ended. Never called while another one waits or runs. */
  readonly runAlone: <Result>(work: () => Promise<Result>) => Promise<Result>;
  readonly runBeside: <Result>(work: () => Promise<Result>) => Promise<Result>;
}

/**
 * Exclusive and concurrent work alternate, so neither starves: while exclusive work waits or runs, new concurrent work
 * is queued, and all of it starts before the next exclusive work.
 */
export function createPhases(): Phases {
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
        // Counted here and not when they resume: the next exclusive work may check before they do.
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
