/** An upstream's chat completion, whole or as chunks, as the events of an answer, one after the other. */

import { AiError, isRecord } from "@openai-compat/core";
import type { UpstreamRun } from "@openai-compat/core";
import type { z } from "zod";
import type { AnswerEvent } from "./answer-event.ts";
import { chatAnswerSchema, chatChunkSchema } from "./chat-answer.ts";
import type { ChatChunk } from "./chat-answer.ts";
import { createChunkMapper, listAnswerEvents, notAnswered } from "./map-chat-chunk.ts";
import { readEventData } from "./read-event-data.ts";
import type { EventDataReader } from "./read-event-data.ts";

export interface UpstreamChat {
  /** The upstream's. */
  readonly id: string;
  readonly modelId: string;
  /** @throws AiError while iterating */
  readonly events: AsyncIterable<AnswerEvent>;
}

/** @throws AiError `upstream_failed` for what is no chat completion */
export async function readChatAnswer(run: UpstreamRun): Promise<UpstreamChat> {
  const { modelId } = run;
  if (run.kind === "whole") {
    const answer = decode(chatAnswerSchema, parse(Buffer.from(run.body).toString()));
    return { id: answer.id, modelId, events: toAsync(listAnswerEvents(answer)) };
  }
  const data = readEventData(run.chunks);
  try {
    const first = await data.next();
    if (first.done === true) throw notAnswered();
    const chunk = decode(chatChunkSchema, parse(first.value));
    return { id: chunk.id, modelId, events: mapChunks(chunk, data) };
  } catch (thrown) {
    await data.return();
    throw thrown;
  }
}

/** Not a generator: one that was never started would not close the upstream's answer. */
function mapChunks(first: ChatChunk, data: EventDataReader): AsyncIterableIterator<AnswerEvent> {
  const mapper = createChunkMapper();
  const waiting: AnswerEvent[] = [...mapper.push(first)];
  const events: AsyncIterableIterator<AnswerEvent> = {
    async next() {
      for (;;) {
        const event = waiting.shift();
        if (event !== undefined) return { value: event };
        if (mapper.isComplete()) return { done: true, value: undefined };
        const { done, value } = await data.next();
        waiting.push(...(done === true ? mapper.end() : mapper.push(decode(chatChunkSchema, parse(value)))));
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
