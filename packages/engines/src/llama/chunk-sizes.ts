/**
 * How many tokens of a prompt are read in one evaluation. Nothing can interrupt an evaluation, so its time is what an
 * abort, another prompt and the running streams wait for. How long tokens take depends on the model and the machine, so
 * it is measured while the model runs, apart for each company: many tokens together cost less a token than few.
 *
 * @see docs/decisions/2026-11-30-speed-is-the-default.md
 */

/** What waits while the chunk is read: nothing, other prompts, or running streams. */
export type Company = "none" | "prompts" | "streams";

export interface ChunkSizes {
  /** @param budgetMs that the chunk should take at most; the smallest chunk may take longer. */
  count(company: Company, budgetMs: number, tokensLeft: number): number;
  note(company: Company, tokens: number, tookMs: number): void;
}

/** As many are kept of each company; their median counts. */
const SAMPLES = 5;
/** From so many on, llama.cpp's flash attention on a CPU computes rows together: 63 take longer than 64. */
const FAST_TOKENS = 64;
/** So many take about as long as `FAST_TOKENS`. */
const NEARLY_FAST_TOKENS = 48;
/**
 * Beside streams; a chunk of fewer is mostly overhead. Where none runs, chunks below `FAST_TOKENS` would save little time
 * and cost a fifth more.
 */
const TOKENS_MIN = 16;
/** So many are not cut in two, though they take a quarter longer than the budget for `FAST_TOKENS`. */
const LAST_TOKENS_MAX = 80;
const COMPANIES: readonly Company[] = ["none", "prompts", "streams"];

/** @param tokensMax the largest chunk that an evaluation has room for */
export function createChunkSizes(tokensMax: number): ChunkSizes {
  /** Milliseconds a token, oldest first. */
  const measured = new Map(COMPANIES.map((company): [Company, number[]] => [company, []]));

  function median(company: Company): number | undefined {
    const samples = measured.get(company) ?? [];
    return samples.toSorted((a, b) => a - b)[samples.length >> 1];
  }

  function measureToken(company: Company): number | undefined {
    for (const known of [company, ...COMPANIES]) {
      const tokenMs = median(known);
      if (tokenMs !== undefined) return tokenMs;
    }
    return undefined;
  }

  return {
    count(company, budgetMs, tokensLeft) {
      const tokenMs = measureToken(company);
      const fitting = tokenMs === undefined ? FAST_TOKENS : Math.floor(budgetMs / Math.max(tokenMs, Number.EPSILON));
      const least = company === "streams" ? TOKENS_MIN : FAST_TOKENS;
      const most = Math.min(tokensMax, Math.max(least, fitting));
      // Equal parts: a small rest would cost more a token.
      const part = Math.ceil(tokensLeft / Math.ceil(tokensLeft / most));
      if (part >= FAST_TOKENS || most < NEARLY_FAST_TOKENS) return part;
      return tokensLeft <= LAST_TOKENS_MAX ? tokensLeft : FAST_TOKENS;
    },
    note(company, tokens, tookMs) {
      // Few tokens say nothing of many.
      if (tokens < TOKENS_MIN) return;
      const samples = measured.get(company) ?? [];
      samples.push(tookMs / tokens);
      if (samples.length > SAMPLES) samples.shift();
    },
  };
}
