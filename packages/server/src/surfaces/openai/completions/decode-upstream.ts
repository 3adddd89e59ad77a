/** A completion for a model of an upstream. */

import { AiError } from "@openai-compat/core";
import { z } from "zod";
import { TOKENS_MAX, answers, defineJsonDecoder, generated, readCount } from "../upstream/decode-json.ts";

export const decodeUpstreamCompletion = defineJsonDecoder("createCompletion", {
  schema: z.looseObject({
    ...generated,
    max_tokens: z.int().min(0).max(TOKENS_MAX).nullish(),
    best_of: answers,
    prompt: z.union([z.string(), z.array(z.unknown())]).nullish(),
  }),
  measure(wire) {
    checkPrompts(wire["prompt"]);
    return { answers: Math.max(readCount(wire["n"]), readCount(wire["best_of"])) };
  },
});

/** Texts and lists of tokens, no deeper: what an upstream made of anything else could not be bounded. */
function checkPrompts(prompt: unknown): void {
  const items: readonly unknown[] = Array.isArray(prompt) ? prompt : [];
  const isFine = (item: unknown) =>
    typeof item === "string" || isToken(item) || (Array.isArray(item) && item.every(isToken));
  const wrong = items.findIndex((item) => !isFine(item));
  if (wrong === -1) return;
  const param = `prompt[${wrong}]`;
  throw new AiError(
    "invalid_type",
    `Invalid type for '${param}': expected a string, a token id or an array of token ids.`,
    {
      param,
    },
  );
}

function isToken(item: unknown): boolean {
  return typeof item === "number" && Number.isSafeInteger(item) && item >= 0;
}
