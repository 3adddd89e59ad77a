/**
 * How many tokens of a prompt are read in one evaluation. Nothing can interrupt an evaluation, so its time is what an
 * abort, another prompt and the running streams wait for. How long tokens take depends on the model and the machine, so
 * it is measured while the model runs, apart for large chunks and small ones.
 *
 * @see docs/decisions/2026-11-30-speed-is-the-default.md
 */

/** What waits while the chunk is read: nothing, other prompts, or running streams. */
export type Company = "none" | "prompts" | "streams";

export interface ChunkSizes {
  /** @param budgetMs that the chunk should take at most; the smallest chunk may take longer. */
  count(company: Company, budgetMs: number, tokensLeft: number): number;
  note(tokens: number, tookMs: number): void;
}

/** As many are kept of each kind; their median counts. */
const SAMPLES = 5;
/** From so many on, llama.cpp's flash attention on a CPU computes rows together: 63 take longer than 64. */
const FAST_TOKENS = 64;
/** So many take about as long as `FAST_TOKENS`. */
const NEARLY_FAST_TOKENS = 48;
/** What a token of a small chunk takes, compared with one of a large chunk, before it was measured. */
const SMALL_CHUNK_FACTOR = 1.3;
/**
 * Beside streams; a chunk of fewer is mostly overhead. Where none runs, chunks below `FAST_TOKENS` would save little time
 * and cost a fifth more.
 */
const TOKENS_MIN = 16;
/** Where no stream waits, so many are not cut in two, though they take a quarter longer than the budget for `FAST_TOKENS`. */
const UNDIVIDED_TOKENS_MAX = 80;

/** @param tokensMax the largest chunk that an evaluation has room for */
export function createChunkSizes(tokensMax: number): ChunkSizes {
  /** Milliseconds a token, oldest first. */
  const fast: number[] = [];
  const slow: number[] = [];

  /** At most, whatever is left. */
  function countFitting(company: Company, budgetMs: number): number {
    const fastMs = median(fast) ?? (median(slow) ?? Number.NaN) / SMALL_CHUNK_FACTOR;
    // Nothing was measured yet.
    if (Number.isNaN(fastMs)) return FAST_TOKENS;
    const fitting = Math.floor(budgetMs / fastMs);
    if (fitting >= NEARLY_FAST_TOKENS || company !== "streams") return Math.max(FAST_TOKENS, fitting);
    return Math.max(TOKENS_MIN, Math.floor(budgetMs / (median(slow) ?? fastMs * SMALL_CHUNK_FACTOR)));
  }

  return {
    count(company, budgetMs, tokensLeft) {
      const most = Math.min(tokensMax, countFitting(company, budgetMs));
      // Equal parts: a small rest would cost more a token.
      const part = Math.ceil(tokensLeft / Math.ceil(tokensLeft / most));
      if (part >= FAST_TOKENS || most < FAST_TOKENS) return part;
      if (tokensLeft <= FAST_TOKENS || fast.length === 0) return Math.min(tokensLeft, FAST_TOKENS);
      // What is left over comes first: the more tokens are in memory, the more the rows of a small chunk cost.
      const rest = tokensLeft % FAST_TOKENS || FAST_TOKENS;
      // Beside streams `FAST_TOKENS` alone may take a third longer than the budget already.
      const isJoined = company !== "streams" && FAST_TOKENS + rest <= UNDIVIDED_TOKENS_MAX;
      return isJoined ? FAST_TOKENS + rest : rest;
    },
    note(tokens, tookMs) {
      // Few tokens say nothing of many.
      if (tokens < TOKENS_MIN) return;
      const samples = tokens < FAST_TOKENS ? slow : fast;
      samples.push(tookMs / tokens);
      if (samples.length > SAMPLES) samples.shift();
    },
  };
}

function median(samples: readonly number[]): number | undefined {
  return samples.toSorted((a, b) => a - b)[samples.length >> 1];
}
