/** What the event streams of OpenAI's endpoints have in common: their ends and their padding. */

import { randomBytes } from "node:crypto";
import type { AiError } from "@openai-compat/core";
import type { EventStreamOptions, EventStreamProtocol } from "../../../http/encode-event-stream.ts";
import { encodeSseEvent } from "../../../http/sse.ts";
import { encodeErrorEnvelope } from "./encode-error.ts";

const encodeError = (error: AiError) => encodeSseEvent(encodeErrorEnvelope(error));

/** Chats and completions: `[DONE]` after the last event, the error envelope as the event of a failure. */
export const COMPLETION_STREAM: EventStreamProtocol = { ending: "data: [DONE]\n\n", encodeError };

/** Speech: its last event says that all is spoken. */
export const SPEECH_STREAM: EventStreamProtocol = { ending: null, encodeError };

/** An upstream's stream brings its own ending along. */
export const UPSTREAM_STREAM: EventStreamProtocol = { ending: null, encodeError };

/** What a stream is encoded with beside its protocol. */
export type StreamEnding = Pick<EventStreamOptions, "signal" | "onError">;

const PADDED_LENGTH = 32;

/** Random text that fills a piece of text up to a multiple of 32 bytes. */
export function createPadding(text: string): string {
  const length = PADDED_LENGTH - (Buffer.byteLength(text) % PADDED_LENGTH);
  return randomBytes(length).toString("base64url").slice(0, length);
}
