/** How likely the tokens of a transcript were, as OpenAI writes it. */

import type { TokenProbability } from "@openai-compat/core";

export function encodeLogprobs(tokens: readonly TokenProbability[]) {
  return tokens.map(({ text, logprob, bytes }) => ({ token: text, logprob, bytes: [...bytes] }));
}
