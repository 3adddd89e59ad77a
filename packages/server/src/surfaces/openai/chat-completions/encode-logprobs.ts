/** Probabilities of tokens in OpenAI's shape. */

import type { TokenLogprob, TokenProbability } from "@openai-compat/core";
import type { ChoiceLogprobs } from "@openai-compat/spec";

/** @returns null when none were asked for. */
export function encodeLogprobs(logprobs: readonly TokenLogprob[] | null): ChoiceLogprobs | null {
  if (logprobs === null) return null;
  return { content: logprobs.map(encodeTokenLogprob), refusal: null };
}

export function encodeTokenLogprob(token: TokenLogprob): NonNullable<ChoiceLogprobs["content"]>[number] {
  return { ...encodeToken(token), top_logprobs: token.top.map(encodeToken) };
}

function encodeToken({ text, logprob, bytes }: TokenProbability) {
  return { token: text, logprob, bytes: [...bytes] };
}
