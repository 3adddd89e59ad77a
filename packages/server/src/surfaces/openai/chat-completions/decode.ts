/** The body of `POST /chat/completions` to a chat call: validated, every default applied, nothing silently ignored. */

import type { ChatRequest } from "@openai-compat/core";
import { createChatCompletionRequestSchema } from "@openai-compat/spec";
import type { CreateChatCompletionRequest } from "@openai-compat/spec";
import { checkEntries } from "../check-entries.ts";
import { decodeBody } from "../decode-body.ts";
import { decodeSampling, decodeStop } from "../decode-sampling.ts";
import { decodeStreamOptions } from "../decode-stream-options.ts";
import { decodeMessages } from "./decode-messages.ts";
import { decodeOutput } from "./decode-output.ts";
import type { ChatStreamOptions } from "./encode-stream.ts";
import { checkParameters } from "./parameters.ts";

export interface DecodedChatCompletion {
  readonly request: ChatRequest;
  /** Null for a non-streaming answer. */
  readonly stream: ChatStreamOptions | null;
  /** What was sent, for what is stored of it. */
  readonly wire: CreateChatCompletionRequest;
}

/**
 * `null` counts as left out; parameters that OpenAI does not document are ignored.
 *
 * @throws AiError with status 400, `param` naming what is wrong.
 */
export function decodeChatCompletion(body: unknown): DecodedChatCompletion {
  checkEntries(body);
  const wire = decodeBody(createChatCompletionRequestSchema, body);
  checkParameters(wire);
  const output = decodeOutput(wire);
  return {
    request: {
      messages: decodeMessages(wire.messages),
      choices: wire.n ?? 1,
      tokensMax: wire.max_completion_tokens ?? wire.max_tokens ?? null,
      stop: decodeStop(wire.stop),
      ...decodeSampling(wire),
      stream: wire.stream === true,
      output,
      topLogprobs: wire.logprobs === true ? (wire.top_logprobs ?? 0) : null,
    },
    stream:
      wire.stream === true
        ? { ...decodeStreamOptions(wire.stream_options), mayCallTools: output.toolUse !== null }
        : null,
    wire,
  };
}
