/** An upstream's chat completion, whole or as chunks, as the events of a prompt. */

import { AiError, isRecord } from "@openai-compat/core";
import type { UpstreamRun } from "@openai-compat/core";
import { createChatCompletionResponseSchema, createChatCompletionStreamResponseSchema } from "@openai-compat/spec";
import type { CreateChatCompletionResponse } from "@openai-compat/spec";
import type { z } from "zod";
import { createChunkMapper } from "./map-upstream-chunk.ts";
import { readEventData } from "./read-event-data.ts";
import type { EventDataReader } from "./read-event-data.ts";
import type { PromptDelta, PromptRun } from "./prompt-run.ts";
import { mapUpstreamUsage, notAnswered, readReasoning } from "./upstream-parts.ts";
import type { UpstreamChunk } from "./upstream-parts.ts";

/** @throws AiError `upstream_failed` for what is no chat completion */
export async function readUpstreamAnswer(run: UpstreamRun): Promise<PromptRun> {
  const { modelId } = run;
  if (run.kind === "whole") {
    const answer = decode(createChatCompletionResponseSchema, parse(Buffer.from(run.body).toString()));
    return { id: answer.id, modelId, events: toAsync(listWhole(answer)) };
  }
  const data = readEventData(run.chunks);
  try {
    const first = await data.next();
    if (first.done === true) throw notAnswered();
    const { id } = decode(createChatCompletionStreamResponseSchema, parse(first.value));
    return { id, modelId, events: mapChunks(first.value, data) };
  } catch (thrown) {
    await data.return();
    throw thrown;
  }
}

/** Not a generator: one that was never started would not close the upstream's answer. */
function mapChunks(first: string, data: EventDataReader): AsyncIterableIterator<PromptDelta> {
  const mapper = createChunkMapper();
  const waiting: PromptDelta[] = mapper.push(readChunk(first));
  const events: AsyncIterableIterator<PromptDelta> = {
    async next() {
      for (;;) {
        const event = waiting.shift();
        if (event !== undefined) return { value: event };
        if (mapper.isComplete()) return { done: true, value: undefined };
        const { done, value } = await data.next();
        waiting.push(...(done === true ? mapper.end() : mapper.push(readChunk(value))));
      }
    },
    async return() {
      await data.return();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => events,
  };
  return events;
}

function readChunk(data: string): UpstreamChunk {
  return decode(createChatCompletionStreamResponseSchema, parse(data));
}

function* listWhole(answer: CreateChatCompletionResponse): Generator<PromptDelta, void> {
  const [choice] = answer.choices;
  if (choice === undefined) throw notAnswered();
  const { message, finish_reason: finishReason } = choice;
  const reasoning = readReasoning(message);
  if (reasoning !== "") yield { type: "reasoning-delta", text: reasoning };
  if (message.content !== null && message.content !== "") yield { type: "text-delta", text: message.content };
  for (const [index, call] of (message.tool_calls ?? []).entries()) {
    const [kind, name, text] =
      call.type === "custom"
        ? (["custom", call.custom.name, call.custom.input] as const)
        : (["function", call.function.name, call.function.arguments] as const);
    yield { type: "tool-call-start", index, id: call.id, kind, name };
    yield { type: "tool-call-delta", index, text };
  }
  yield { type: "end", finishReason, usage: mapUpstreamUsage(answer.usage) };
}

function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch (thrown) {
    throw new AiError("upstream_failed", "The upstream sent what is no JSON. Please try again.", { cause: thrown });
  }
}

function decode<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  if (isRecord(value) && "error" in value) {
    throw new AiError("upstream_failed", "The upstream broke its answer off with an error. Please try again.");
  }
  throw new AiError("upstream_failed", "The upstream's answer is no chat completion.", { cause: result.error });
}

async function* toAsync<Item>(items: Iterable<Item>): AsyncGenerator<Item, void> {
  yield* items;
}
