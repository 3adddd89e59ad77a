/** Maps the probabilities of a sampled token to the service's log probabilities. */

import type { TokenLogprob, TokenProbability } from "@openai-compat/core";
import type { Token } from "node-llama-cpp";
import type { LoadedModel } from "./loaded-model.ts";

export interface SampledToken {
  readonly token: Token;
  /** Of the sampled token and the likeliest, where they were requested. */
  readonly probabilities?: ReadonlyMap<Token, number>;
}

/** OpenAI's number for a token that is not among the likeliest. */
const LOGPROB_MIN = -9999;

/** @returns null where none were requested. */
export function describeSampledToken(
  { decodeToken }: Pick<LoadedModel, "decodeToken">,
  { token, probabilities }: SampledToken,
  topLogprobs: number | null,
): TokenLogprob | null {
  if (topLogprobs === null || probabilities === undefined) return null;
  const describe = ([id, probability]: readonly [Token, number]): TokenProbability => ({
    ...decodeToken(id),
    logprob: Math.max(LOGPROB_MIN, Math.min(0, Math.log(probability))),
  });
  const likeliest = [...probabilities].sort(([, left], [, right]) => right - left).slice(0, topLogprobs);
  return { ...describe([token, probabilities.get(token) ?? 0]), top: likeliest.map(describe) };
}
