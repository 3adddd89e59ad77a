/** Judgements on single values that several checks share. */

const YEAR_2000_SECONDS = 946_684_800;
const YEAR_2100_SECONDS = 4_102_444_800;

/** Between the years 2000 and 2100: milliseconds, zero and -1 are out. */
export function isUnixSeconds(value: number): boolean {
  return Number.isInteger(value) && value > YEAR_2000_SECONDS && value < YEAR_2100_SECONDS;
}

export const FINISH_REASONS: readonly unknown[] = ["stop", "length", "tool_calls", "content_filter", "function_call"];

/** The logarithm of a probability; a rounding error above 0 is forgiven. */
export function isLogprob(value: unknown): value is number {
  return typeof value === "number" && value <= 1e-3;
}

/**
 * Whether these can be the probabilities of different tokens at one position: together at most 1, and a little for
 * rounding.
 */
export function isWholeProbability(logprobs: readonly number[]): boolean {
  return logprobs.reduce((sum, logprob) => sum + Math.exp(logprob), 0) <= 1.01;
}
