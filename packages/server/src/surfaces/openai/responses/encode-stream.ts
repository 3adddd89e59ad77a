/**
 * A response as server-sent events, each with its name. No `[DONE]` follows: the last event says how it ended, and
 * carries the whole response.
 */

import { AiError } from "@openai-compat/core";
import type { ResponseEvent } from "@openai-compat/spec";
import type { EventStreamProtocol } from "../../../http/encode-event-stream.ts";
import { encodeEventStream } from "../../../http/encode-event-stream.ts";
import { encodeSseEvent } from "../../../http/sse.ts";
import { createPadding } from "../protocol/event-streams.ts";
import type { StreamEnding } from "../protocol/event-streams.ts";
import type { ResponseBuilder } from "./response-builder.ts";
import type { ResponseRun } from "./response-run.ts";

export interface ResponseStreamOptions {
  readonly builder: ResponseBuilder;
  /** Called with the last event before it is sent. @returns what is sent in its place @throws AiError */
  readonly keep: (last: LastEvent) => Promise<LastEvent>;
  /** Whether pieces are padded, so that an observer of packet sizes can't guess the words. */
  readonly includeObfuscation: boolean;
}

export type LastEvent = Extract<ResponseEvent, { type: "response.completed" | "response.incomplete" }>;

/**
 * A failure is the response's last event, also where the response has not begun. In a silence an event says that it goes on:
 * Codex counts no comments, and would send the request again after five minutes (https://github.com/openai/codex/issues/31539).
 */
export function createResponseProtocol(builder: ResponseBuilder): EventStreamProtocol {
  return {
    ending: null,
    encodeKeepAlive: () => encodeEvents(builder.keepAlive()),
    encodeError: (error) => encodeEvents(builder.fail(error)),
  };
}

/** What events are made of. */
export type RunAnswer = Pick<ResponseRun, "modelId" | "createdAtMs" | "sampling" | "events">;

/** The events of a run. @throws AiError what the run throws, and `keep` */
export async function* listResponseEvents(
  run: RunAnswer,
  { builder, keep }: Omit<ResponseStreamOptions, "includeObfuscation">,
): AsyncGenerator<ResponseEvent, void> {
  const { temperature, topP } = run.sampling;
  const created_at = Math.floor(run.createdAtMs / 1000);
  yield* builder.start({ model: run.modelId, temperature, top_p: topP, created_at });
  for await (const event of run.events) {
    for (const made of builder.push(event)) yield isLast(made) ? await keep(made) : made;
  }
}

/** The non-streaming answer. @throws AiError what the run throws, and `keep`; `engine_failed` where it does not end */
export async function readLastEvent(
  run: ResponseRun,
  options: Omit<ResponseStreamOptions, "includeObfuscation">,
): Promise<LastEvent> {
  let last: LastEvent | null = null;
  for await (const event of listResponseEvents(run, options)) if (isLast(event)) last = event;
  if (last !== null) return last;
  throw new AiError("engine_failed", "The engine stopped before the answer was complete. Please try again.");
}

export function encodeResponseStream(
  run: ResponseRun,
  options: ResponseStreamOptions,
  ending: StreamEnding,
): AsyncGenerator<string, void> {
  const encode = (event: ResponseEvent) => encodeEvent(options.includeObfuscation ? pad(event) : event);
  const protocol = createResponseProtocol(options.builder);
  return encodeEventStream(listResponseEvents(run, options), encode, { ...ending, protocol });
}

export function isLast(event: ResponseEvent): event is LastEvent {
  return event.type === "response.completed" || event.type === "response.incomplete";
}

function encodeEvents(events: readonly ResponseEvent[]): string {
  return events.map((event) => encodeEvent(event)).join("");
}

function encodeEvent(event: ResponseEvent): string {
  return encodeSseEvent(event, event.type);
}

function pad(event: ResponseEvent): ResponseEvent & { readonly obfuscation?: string } {
  // A piece of another kind is an upstream's.
  return "delta" in event && typeof event.delta === "string"
    ? { ...event, obfuscation: createPadding(event.delta) }
    : event;
}
