/** Invented probabilities for a deterministic script: they form a valid distribution. */

import type { TokenLogprob, TokenProbability } from "@openai-compat/core";

/** Each is half as likely as the one before it, the sampled token first, so the sum stays below 1. */
const FIRST_LOGPROB = Math.log(0.5);

/** @param alternatives how many of the likeliest tokens are reported, 0 to 20. */
export function inventLogprob(text: string, alternatives: number): TokenLogprob {
  const top = Array.from({ length: alternatives }, (_, rank) => describe(rank === 0 ? text : `${text}~${rank}`, rank));
  return { ...describe(text, 0), top };
}

function describe(text: string, rank: number): TokenProbability {
  return { text, bytes: [...Buffer.from(text)], logprob: FIRST_LOGPROB * (rank + 1) };
}
