/** The body of `POST /completions` to a completion call: validated, every default applied, nothing silently ignored. */

import type { CompletionRequest } from "@openai-compat/core";
import { createCompletionRequestSchema } from "@openai-compat/spec";
import type { CompletionPrompt } from "@openai-compat/spec";
import { checkEntries } from "../check-entries.ts";
import { decodeBody } from "../decode-body.ts";
import { decodeSampling, decodeStop } from "../decode-sampling.ts";
import { decodeStreamOptions } from "../decode-stream-options.ts";
import type { StreamOptions } from "../decode-stream-options.ts";
import { checkParameters } from "./parameters.ts";

export interface DecodedCompletion {
  readonly request: CompletionRequest;
  /** Null for a non-streaming answer. */
  readonly stream: StreamOptions | null;
}

/** OpenAI's, far below what a chat may write. */
const DEFAULT_TOKENS_MAX = 16;

/**
 * `null` counts as left out; parameters that OpenAI does not document are ignored.
 *
 * @throws AiError with status 400, `param` naming what is wrong.
 */
export function decodeCompletion(body: unknown): DecodedCompletion {
  checkEntries(body);
  const wire = decodeBody(createCompletionRequestSchema, body);
  checkParameters(wire);
  const choices = wire.n ?? 1;
  const stream = wire.stream === true;
  return {
    request: {
      prompts: decodePrompts(wire.prompt),
      // Nothing comes after the text, whether it is said or left out.
      suffix: wire.suffix === "" ? null : (wire.suffix ?? null),
      choices,
      candidates: wire.best_of ?? choices,
      tokensMax: wire.max_tokens ?? DEFAULT_TOKENS_MAX,
      stop: decodeStop(wire.stop),
      echo: wire.echo === true,
      topLogprobs: wire.logprobs ?? null,
      stream,
      ...decodeSampling(wire),
    },
    stream: stream ? decodeStreamOptions(wire.stream_options) : null,
  };
}

/** A list of numbers is one prompt; any other list holds a prompt each. No prompt is the beginning of a document. */
function decodePrompts(prompt: CompletionPrompt): CompletionRequest["prompts"] {
  if (prompt === null) return [""];
  if (typeof prompt === "string") return [prompt];
  return isTokens(prompt) ? [prompt] : prompt;
}

function isTokens(prompt: Exclude<CompletionPrompt, string | null>): prompt is number[] {
  return typeof prompt[0] === "number";
}
