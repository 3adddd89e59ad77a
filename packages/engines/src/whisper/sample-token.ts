/** Which tokens may come next, and how likely each is. */

import { findLargest } from "./logits-rules.ts";

export interface NextToken {
  readonly token: number;
  /** Natural logarithm of its probability among those that may come next, at the temperature 1. */
  readonly logprob: number;
}

/** The likeliest tokens, in order. */
export function listLikeliest(logits: Float32Array, count: number): readonly NextToken[] {
  const norm = measureNorm(logits);
  const best: NextToken[] = [];
  let least = -Infinity;
  for (let token = 0; token < logits.length; token += 1) {
    const logit = logits[token] ?? -Infinity;
    if (logit <= least) continue;
    const at = best.findIndex((other) => other.logprob < logit - norm);
    best.splice(at === -1 ? best.length : at, 0, { token, logprob: logit - norm });
    if (best.length > count) best.pop();
    if (best.length === count) least = (best.at(-1)?.logprob ?? -Infinity) + norm;
  }
  return best;
}

/**
 * One token by its probability.
 *
 * @param random gives numbers from 0 to 1, 1 excluded
 */
export function sampleToken(logits: Float32Array, temperature: number, random: () => number): NextToken {
  const largest = findLargest(logits);
  const weightOf = (logit: number): number => (logit === -Infinity ? 0 : Math.exp((logit - largest) / temperature));
  let total = 0;
  for (const logit of logits) total += weightOf(logit);
  let left = random() * total;
  let chosen = logits.indexOf(largest);
  for (const [token, logit] of logits.entries()) {
    left -= weightOf(logit);
    if (left >= 0) continue;
    chosen = token;
    break;
  }
  return { token: chosen, logprob: (logits[chosen] ?? -Infinity) - measureNorm(logits) };
}

/** The probability of one token among all. */
export function probabilityOf(logits: Float32Array, token: number): number {
  return Math.exp((logits[token] ?? -Infinity) - measureNorm(logits));
}

/** The logarithm of the sum of the exponentials. */
function measureNorm(logits: Float32Array): number {
  const largest = findLargest(logits);
  let sum = 0;
  for (const logit of logits) if (logit > -Infinity) sum += Math.exp(logit - largest);
  return largest + Math.log(sum);
}

/** A fixed sequence, so that a recording has one transcript: https://en.wikipedia.org/wiki/Xorshift. */
export function createRandom(): () => number {
  let state = 0x9e3779b9;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
