/** How likely a token was, in the service's terms. */

import type { TokenLogprob, TokenProbability } from "@openai-compat/core";
import type { Token } from "node-llama-cpp";
import type { LoadedModel } from "./loaded-model.ts";

export interface Draw {
  readonly token: Token;
  /** Of the drawn token and the likeliest, where they were asked for. */
  readonly probabilities?: ReadonlyMap<Token, number>;
}

/** OpenAI's number for a token that is not among the likeliest. */
const LOGPROB_MIN = -9999;

/** @returns null where nothing was asked for. */
export function describeDraw(
  { spell }: Pick<LoadedModel, "spell">,
  { token, probabilities }: Draw,
  topLogprobs: number | null,
): TokenLogprob | null {
  if (topLogprobs === null || probabilities === undefined) return null;
  const describe = ([id, probability]: readonly [Token, number]): TokenProbability => ({
    ...spell(id),
    logprob: Math.max(LOGPROB_MIN, Math.min(0, Math.log(probability))),
  });
  const likeliest = [...probabilities].sort(([, left], [, right]) => right - left).slice(0, topLogprobs);
  return { ...describe([token, probabilities.get(token) ?? 0]), top: likeliest.map(describe) };
}
