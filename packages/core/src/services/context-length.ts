/** What does not fit a model's context, refused in the words that clients look for. */

import { AiError } from "../ai-error.ts";

/**
 * No tokenizer makes fewer tokens than this from a text, and no template fewer than one from a message: what must be
 * too long is refused before it is rendered and tokenised, which would block the event loop for as long as it is.
 */
export const CHARACTERS_PER_TOKEN_MAX = 32;

interface ContextLimited {
  readonly limits: { readonly contextTokens: number };
}

/** By engine, as its model was last loaded. */
const learned = new WeakMap<ContextLimited, number>();

/** What is known before a prompt is prepared: how long one can be that is worth it. */
export function knownContextTokens(engine: ContextLimited): number {
  return learned.get(engine) ?? engine.limits.contextTokens;
}

/** Call with what a prepared prompt says: it is less than the engine's limit where the model was trained for less. */
export function learnContextTokens(engine: ContextLimited, contextTokens: number): void {
  learned.set(engine, contextTokens);
}

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
