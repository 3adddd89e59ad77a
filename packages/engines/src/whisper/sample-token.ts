/** Chooses the next token. */

import { findLargest } from "./logits-rules.ts";

export interface SampledToken {
  readonly token: number;
  /** Natural logarithm of its probability among those that may come next, at the temperature 1. */
  readonly logprob: number;
}

/**
 * The likeliest token at temperature 0, else one by its probability.
 *
 * @param random gives numbers from 0 to 1, 1 excluded
 */
export function sampleToken(logits: Float32Array, temperature: number, random: () => number): SampledToken {
  const largest = findLargest(logits);
  let sum = 0;
  for (const logit of logits) if (logit > -Infinity) sum += Math.exp(logit - largest);
  const token =
    temperature === 0 ? logits.indexOf(largest) : sampleByProbability(logits, { largest, temperature, random });
  return { token, logprob: (logits[token] ?? -Infinity) - largest - Math.log(sum) };
}

interface SamplingOptions {
  readonly largest: number;
  readonly temperature: number;
  readonly random: () => number;
}

function sampleByProbability(logits: Float32Array, { largest, temperature, random }: SamplingOptions): number {
  const weightOf = (logit: number): number => (logit === -Infinity ? 0 : Math.exp((logit - largest) / temperature));
  let total = 0;
  for (const logit of logits) total += weightOf(logit);
  let left = random() * total;
  for (const [token, logit] of logits.entries()) {
    left -= weightOf(logit);
    if (left < 0) return token;
  }
  return logits.indexOf(largest);
}

/** The probability of one token among all. */
export function probabilityOf(logits: Float32Array, token: number): number {
  const largest = findLargest(logits);
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - largest);
  return Math.exp((logits[token] ?? -Infinity) - largest) / sum;
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
