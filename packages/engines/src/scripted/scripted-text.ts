/** Plain texts as prompts of the scripted engine. */

import { AiError } from "@openai-compat/core";
import type { GenerationRequest, PlainText, PromptLogprob, TextTokens, WorkSlices } from "@openai-compat/core";
import { inventLogprob } from "./scripted-logprobs.ts";
import { DOCUMENT_TOKEN, TOKENS_END, decodeToken, encodeTextInSlices } from "./scripted-tokens.ts";

/** @throws AiError `invalid_value` for an id that is not the token of any text; what `slices` throws. */
export async function encodePlainText(text: PlainText["text"], slices: WorkSlices): Promise<TextTokens> {
  const tokens = typeof text === "string" ? await encodeTextInSlices(text, slices) : text;
  const strange = tokens.find((token) => token >= TOKENS_END);
  if (strange !== undefined) {
    throw new AiError("invalid_value", `Invalid 'prompt': the model has no token ${strange}.`, { param: "prompt" });
  }
  const plainText = typeof text === "string" ? text : tokens.map(decodeToken).join("");
  return tokens.length > 0
    ? { tokens, text: plainText, textStart: 0, textEnd: tokens.length }
    : { tokens: [DOCUMENT_TOKEN], text: "", textStart: 1, textEnd: 1 };
}

export function refuseSuffix(): AiError {
  const message = "Unsupported parameter: 'suffix' is not supported by this model: it can only go on with a text.";
  return new AiError("unsupported_parameter", message, { param: "suffix" });
}

/** Invented, like those of the answer. */
export function scorePrompt({ prompt, topLogprobs }: GenerationRequest): readonly PromptLogprob[] {
  return prompt.tokens.map((token, index) => {
    const logprob = inventLogprob(decodeToken(token), topLogprobs ?? 0);
    return index === 0 ? { ...logprob, logprob: null, top: [] } : logprob;
  });
}
