/** How a text goes on: its likeliest next tokens, or one by chance. */

import { applyRules, readTimestamps, weighTokens } from "./logits-rules.ts";
import type { AllowedTokens } from "./logits-rules.ts";
import { findLargest } from "./logits.ts";
import type { WhisperConfig } from "./whisper-config.ts";
import type { DecoderStep } from "./whisper-model.ts";

export interface NextToken {
  readonly token: number;
  /** Natural logarithm of its probability among those that may come next, at the temperature 1. */
  readonly logprob: number;
}

/** The likeliest tokens, in order: as many as the step lists. */
export function listLikeliest(
  step: DecoderStep,
  allowed: AllowedTokens,
  { endOfText, firstTimestamp }: WhisperConfig["tokens"],
): readonly NextToken[] {
  const weighed = weighTokens(step, allowed);
  const count = step.likeliest.length;
  const first = firstTimestamp + weighed.timestampsFrom;
  const timestamps = listLargest(readTimestamps(step, weighed), count).map(({ index, logit }) => ({
    token: first + index,
    logit,
  }));
  const text = {
    any: step.likeliest,
    "only-end": [{ token: endOfText, logit: step.endLogit }],
    none: [],
  }[weighed.text];
  return [...text, ...timestamps]
    .toSorted((a, b) => b.logit - a.logit)
    .slice(0, count)
    .map(({ token, logit }) => ({ token, logprob: logit - weighed.norm }));
}

function listLargest(
  values: Float32Array,
  count: number,
): readonly { readonly index: number; readonly logit: number }[] {
  const best: { readonly index: number; readonly logit: number }[] = [];
  let least = -Infinity;
  for (let index = 0; index < values.length; index += 1) {
    const logit = values[index] ?? -Infinity;
    if (logit <= least) continue;
    const at = best.findIndex((other) => other.logit < logit);
    best.splice(at === -1 ? best.length : at, 0, { index, logit });
    if (best.length > count) best.pop();
    if (best.length === count) least = best.at(-1)?.logit ?? -Infinity;
  }
  return best;
}

export interface SamplingOptions {
  readonly config: WhisperConfig;
  /** Above 0. */
  readonly temperature: number;
  /** Gives numbers from 0 to 1, 1 excluded. */
  readonly random: () => number;
}

/** One token by its probability. The step's logits are used up. */
export function sampleToken(
  step: DecoderStep,
  allowed: AllowedTokens,
  { config, temperature, random }: SamplingOptions,
): NextToken {
  const logits = step.logits ?? new Float32Array(0);
  const weighed = weighTokens(step, allowed);
  applyRules(logits, weighed, config);
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
  return { token: chosen, logprob: (logits[chosen] ?? -Infinity) - weighed.norm };
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
