/**
 * Chat between admission and engine: fits the request into the model's context, runs one generation per choice and
 * merges them into one stream of events.
 */

import { randomInt } from "node:crypto";
import { AiError } from "../ai-error.ts";
import type { AdmittedCall } from "../call.ts";
import type { ChatMessage, GenerationRequest, PreparedPrompt } from "../engine/chat-engine.ts";
import type { RegisteredModel } from "../models/registry.ts";
import type { ChatEvent, ChatRequest } from "./chat-request.ts";
import { mergeStreams } from "./merge-streams.ts";

/**
 * No tokenizer makes fewer tokens than this from a text: a longer one is refused before it is tokenised, which would
 * block the event loop for as long as the text is.
 */
const CHARACTERS_PER_TOKEN_MAX = 32;
const SEED_RANGE = 2 ** 32;

/**
 * Renders and tokenises the prompt and makes sure that it leaves room for an answer.
 *
 * @throws AiError `context_length_exceeded`
 */
export async function prepareChat(
  model: RegisteredModel,
  messages: readonly ChatMessage[],
  signal: AbortSignal,
): Promise<PreparedPrompt> {
  const characters = messages.reduce((sum, message) => sum + message.content.length, 0);
  const contextTokens = model.engine.limits.contextTokens;
  if (characters > contextTokens * CHARACTERS_PER_TOKEN_MAX) {
    throw contextLengthExceeded(contextTokens, `more than ${Math.floor(characters / CHARACTERS_PER_TOKEN_MAX)} tokens`);
  }
  const prompt = await model.engine.prepare(messages, signal);
  if (prompt.tokens.length >= contextTokens) {
    throw contextLengthExceeded(contextTokens, `${prompt.tokens.length} tokens`);
  }
  return prompt;
}

/** LiteLLM and others recognise the case by the first sentence, not by the code. */
function contextLengthExceeded(contextTokens: number, found: string): AiError {
  const message =
    `This model's maximum context length is ${contextTokens} tokens. However, your messages resulted in ${found}, ` +
    "which leaves no room for an answer. Please reduce the length of the messages.";
  return new AiError("context_length_exceeded", message, { param: "messages" });
}

/** Runs an admitted chat. The caller gives the place back. */
export async function* runChat(
  call: AdmittedCall<RegisteredModel>,
  request: ChatRequest,
  prompt: PreparedPrompt,
): AsyncGenerator<ChatEvent, void> {
  const indexes = Array.from({ length: request.choices }, (_, index) => index);
  for (const index of indexes) yield { type: "choice-start", index };

  const usage = { promptTokens: prompt.tokens.length, completionTokens: 0, cachedTokens: 0 };
  const seed = request.seed ?? randomInt(SEED_RANGE);
  const left = new AbortController();
  const signal = AbortSignal.any([call.signal, left.signal]);
  const generations = indexes.map((index) =>
    tagGeneration(index, call, buildGeneration(request, prompt, { seed: seed + index, model: call.model }), signal),
  );
  try {
    for await (const { index, event } of mergeStreams(generations)) {
      switch (event.type) {
        case "generation-start":
          if (index === 0) usage.cachedTokens = event.cachedTokens;
          break;
        case "text-delta":
          yield { type: "text-delta", index, text: event.text };
          break;
        case "generation-end":
          usage.completionTokens += event.completionTokens;
          yield { type: "choice-end", index, finishReason: event.finishReason };
          break;
      }
    }
    yield { type: "chat-end", usage };
  } finally {
    left.abort();
  }
}

function buildGeneration(
  request: ChatRequest,
  prompt: PreparedPrompt,
  { seed, model }: { seed: number; model: RegisteredModel },
): GenerationRequest {
  const room = model.engine.limits.contextTokens - prompt.tokens.length;
  return {
    prompt,
    tokensMax: Math.min(request.tokensMax ?? room, room),
    stop: request.stop,
    sampling: {
      temperature: request.temperature,
      topP: request.topP,
      presencePenalty: request.presencePenalty,
      frequencyPenalty: request.frequencyPenalty,
      seed: ((seed % SEED_RANGE) + SEED_RANGE) % SEED_RANGE,
      logitBias: request.logitBias,
    },
  };
}

async function* tagGeneration(
  index: number,
  call: AdmittedCall<RegisteredModel>,
  generation: GenerationRequest,
  signal: AbortSignal,
) {
  for await (const event of call.model.engine.generate(generation, signal)) yield { index, event };
}
