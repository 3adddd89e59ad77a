/** The body of `POST /chat/completions` to a chat call: validated, every default applied, nothing silently ignored. */

import { AiError } from "@openai-compat/core";
import type { ChatRequest } from "@openai-compat/core";
import { createChatCompletionRequestSchema } from "@openai-compat/spec";
import type { CreateChatCompletionRequest } from "@openai-compat/spec";
import { decodeBody } from "../decode-body.ts";
import { decodeMessages } from "./decode-messages.ts";
import { decodeOutput } from "./decode-output.ts";
import type { ChatStreamOptions } from "./encode-stream.ts";
import { checkParameters } from "./parameters.ts";

export interface DecodedChatCompletion {
  readonly request: ChatRequest;
  /** Null for a one-shot answer. */
  readonly stream: ChatStreamOptions | null;
}

/**
 * `null` counts as left out; parameters that OpenAI does not document are ignored.
 *
 * @throws AiError with status 400, `param` naming what is wrong.
 */
export function decodeChatCompletion(body: unknown): DecodedChatCompletion {
  const wire = decodeBody(createChatCompletionRequestSchema, body);
  checkParameters(wire);
  const output = decodeOutput(wire);
  return {
    request: {
      model: wire.model,
      messages: decodeMessages(wire.messages),
      choices: wire.n ?? 1,
      tokensMax: wire.max_completion_tokens ?? wire.max_tokens ?? null,
      stop: decodeStop(wire.stop),
      temperature: wire.temperature ?? 1,
      topP: wire.top_p ?? 1,
      presencePenalty: wire.presence_penalty ?? 0,
      frequencyPenalty: wire.frequency_penalty ?? 0,
      seed: decodeSeed(wire.seed),
      logitBias: decodeLogitBias(wire.logit_bias),
      stream: wire.stream === true,
      output,
      topLogprobs: wire.logprobs === true ? (wire.top_logprobs ?? 0) : null,
    },
    stream:
      wire.stream === true
        ? { ...decodeStreamOptions(wire.stream_options), mayCallTools: output.toolUse !== null }
        : null,
  };
}

/** An empty string stops nothing: some clients send one for "none". */
function decodeStop(stop: CreateChatCompletionRequest["stop"]): string[] {
  const list = typeof stop === "string" ? [stop] : (stop ?? []);
  return list.filter((text) => text !== "");
}

/** JSON numbers beyond 2⁵³ arrive rounded; each is still one seed. */
function decodeSeed(seed: CreateChatCompletionRequest["seed"]): number | null {
  return typeof seed === "number" ? seed % Number.MAX_SAFE_INTEGER : null;
}

function decodeLogitBias(logitBias: CreateChatCompletionRequest["logit_bias"]): Record<number, number> {
  const biases: Record<number, number> = {};
  for (const [token, bias] of Object.entries(logitBias ?? {})) {
    if (!/^\d{1,9}$/.test(token)) {
      const shown = token.slice(0, 40);
      throw new AiError(
        "invalid_value",
        `Invalid key in 'logit_bias': '${shown}'. Keys are token ids, such as "50256".`,
        {
          param: "logit_bias",
        },
      );
    }
    biases[Number(token)] = bias;
  }
  return biases;
}

function decodeStreamOptions(
  options: CreateChatCompletionRequest["stream_options"],
): Omit<ChatStreamOptions, "mayCallTools"> {
  return {
    includeUsage: options?.include_usage === true,
    includeObfuscation: options?.include_obfuscation === true,
  };
}
