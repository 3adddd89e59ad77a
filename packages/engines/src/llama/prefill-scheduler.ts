/**
 * Decides who reads how much of a prompt next. Running streams get one token per evaluation, however large it is, so
 * what is bounded is the sum of prompt tokens in one evaluation: one chunk is in flight at a time, turns go round among
 * the prompts being read, and a chunk is small while somebody streams.
 */

import { createSlotPool } from "../shared/slot-pool.ts";

export interface PrefillScheduler {
  /**
   * Waits for the turn, then calls `read` with the number of tokens that it must evaluate, at most `tokensLeft`.
   *
   * @throws the signal's reason when it aborts before the turn comes; what `read` throws
   */
  takeTurn<Result>(options: PrefillTurn<Result>): Promise<Result>;
  /** Says that a stream runs from now on; the result ends it. */
  startDecoding(): () => void;
}

export interface PrefillTurn<Result> {
  readonly signal: AbortSignal;
  readonly tokensLeft: number;
  readonly read: (tokens: number) => Promise<Result>;
}

export interface PrefillSchedulerOptions {
  readonly chunkTokensMax: number;
  readonly sharedChunkTokensMax: number;
  readonly chunkMs: number;
  /** Milliseconds, monotonic. Default: `performance.now`. */
  readonly now?: () => number;
}

/** Smaller chunks waste more than half of the work; sizes are multiples of it, which the kernels like. */
const CHUNK_TOKENS_MIN = 32;
const FIRST_CHUNK_TOKENS = 64;
/** The share of the newest measurement in the average. */
const RATE_WEIGHT = 0.3;

export function createPrefillScheduler(options: PrefillSchedulerOptions): PrefillScheduler {
  const now = options.now ?? (() => performance.now());
  const turns = createSlotPool(["turn"]);
  let decoding = 0;
  let tokensPerMs: number | null = null;

  function sizeChunk(): number {
    const affordable = tokensPerMs === null ? FIRST_CHUNK_TOKENS : tokensPerMs * options.chunkMs;
    const rounded = Math.max(CHUNK_TOKENS_MIN, affordable - (affordable % CHUNK_TOKENS_MIN));
    return Math.min(rounded, decoding > 0 ? options.sharedChunkTokensMax : Infinity, options.chunkTokensMax);
  }

  /** Short chunks say little about the speed of long ones. */
  function learn(tokens: number, tookMs: number): void {
    if (tokens < CHUNK_TOKENS_MIN || tookMs <= 0) return;
    const measured = tokens / tookMs;
    tokensPerMs = tokensPerMs === null ? measured : tokensPerMs + RATE_WEIGHT * (measured - tokensPerMs);
  }

  return {
    async takeTurn({ signal, tokensLeft, read }) {
      const turn = await turns.acquire(signal);
      try {
        signal.throwIfAborted();
        const tokens = Math.min(tokensLeft, sizeChunk());
        const startedMs = now();
        const result = await read(tokens);
        learn(tokens, now() - startedMs);
        return result;
      } finally {
        turns.release(turn);
      }
    },
    startDecoding() {
      decoding += 1;
      let running = true;
      return () => {
        if (running) decoding -= 1;
        running = false;
      };
    },
  };
}
