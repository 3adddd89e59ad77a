/**
 * The last guard of the context size, behind the service's own: an engine never evaluates more than its context holds.
 */

import { AiError } from "@openai-compat/core";
import type { GenerationRequest } from "@openai-compat/core";

/** @throws AiError `context_length_exceeded`; clients recognise the case by the first sentence of its message. */
export function assertFitsContext({ prompt, tokensMax }: GenerationRequest, contextTokens: number): void {
  if (prompt.tokens.length + tokensMax <= contextTokens) return;
  throw new AiError(
    "context_length_exceeded",
    `This model's maximum context length is ${contextTokens} tokens. However, the prompt has ` +
      `${prompt.tokens.length} tokens and up to ${tokensMax} were asked for the answer.`,
    { param: "messages" },
  );
}
