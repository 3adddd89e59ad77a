/** Probabilities of tokens in the shape of completions: four lists side by side. */

import type { PromptLogprob, TokenProbability } from "@openai-compat/core";
import type { CompletionLogprobs } from "@openai-compat/spec";

/**
 * @param textBefore how many characters the choice's text has before these tokens.
 * @returns null when none were asked for.
 */
export function encodeLogprobs(
  logprobs: readonly PromptLogprob[] | null,
  textBefore: number,
): CompletionLogprobs | null {
  if (logprobs === null) return null;
  return {
    text_offset: locate(logprobs, textBefore),
    token_logprobs: logprobs.map(({ logprob }) => logprob),
    tokens: logprobs.map(formatToken),
    top_logprobs: logprobs.map(encodeTop),
  };
}

/** As OpenAI counts them: an emoji that JavaScript counts as two is one. */
export function countCharacters(text: string): number {
  return Array.from(text).length;
}

/** The likeliest, and the sampled one where it is none of them. */
function encodeTop(token: PromptLogprob): Record<string, number> | null {
  if (token.logprob === null) return null;
  const top = token.top.map((one) => [formatToken(one), one.logprob] as const);
  return Object.fromEntries([[formatToken(token), token.logprob], ...top]);
}

/** A token that is part of a character is encoded as its bytes, as OpenAI does: `bytes:\\xf0\\x9f`. */
function formatToken({ text, bytes }: Pick<TokenProbability, "text" | "bytes">): string {
  if (Buffer.from(text).equals(Buffer.from(bytes))) return text;
  return `bytes:${bytes.map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("")}`;
}

/** Tokens of one character stand where the character stands. */
function locate(logprobs: readonly PromptLogprob[], textBefore: number): number[] {
  // A mark at the beginning of a text is a character of it.
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let at = textBefore;
  return logprobs.map(({ bytes }) => {
    const offset = at;
    at += countCharacters(decoder.decode(Uint8Array.from(bytes), { stream: true }));
    return offset;
  });
}
