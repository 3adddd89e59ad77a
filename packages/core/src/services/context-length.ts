/** What does not fit a model's context, refused in the words that clients look for. */

import { AiError } from "../ai-error.ts";

/**
 * No tokenizer makes fewer tokens than this from a text, and no template fewer than one from a message: what must be
 * too long is refused before it is rendered and tokenised, which would block the event loop for as long as it is.
 */
export const CHARACTERS_PER_TOKEN_MAX = 32;

/** LiteLLM and others recognise the case by the first sentence, not by the code. */
export function contextLengthExceeded(options: {
  readonly contextTokens: number;
  /** As in "your messages resulted in 5000 tokens". */
  readonly found: string;
  readonly param: string;
}): AiError {
  const { contextTokens, found, param } = options;
  const message =
    `This model's maximum context length is ${contextTokens} tokens. However, ${found}, ` +
    `which leaves no room for an answer. Please reduce the length of the ${param}.`;
  return new AiError("context_length_exceeded", message, { param });
}
