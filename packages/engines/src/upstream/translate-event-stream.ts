/**
 * An event stream in the API's own framing: `data:` lines alone, blank-line separated, `[DONE]` at the end where the API
 * has it. It knows no event's shape: that is the reader's.
 */

import type { RelayEvent } from "@openai-compat/core";
import type { AnswerTranslator } from "./answer-translator.ts";
import { decodeUpstreamError, isErrorBody, type UpstreamErrorContext } from "./decode-error.ts";
import type { EventReader } from "./event-reader.ts";
import { createEventStreamDecoder, type ServerSentEvent } from "./event-stream-decoder.ts";
import { type JsonRecord, parseRecord } from "./json-value.ts";
import { UpstreamFault } from "./upstream-fault.ts";

export interface EventStreamOptions {
  readonly reader: EventReader;
  readonly eventBytesMax: number;
  readonly errorContext: UpstreamErrorContext;
}

const DONE = "[DONE]";
const DONE_FRAME = `data: ${DONE}\n\n`;

/** `relay-start` waits for the first event, so that an upstream that begins with an error never started. */
export function createEventStreamTranslator(options: EventStreamOptions): AnswerTranslator {
  const { reader, eventBytesMax, errorContext } = options;
  const decoder = createEventStreamDecoder({ eventBytesMax });
  let hasStarted = false;
  let isDone = false;

  function* send(text: string): Generator<RelayEvent> {
    if (!hasStarted) yield { type: "relay-start", contentType: "text/event-stream" };
    hasStarted = true;
    if (text !== "") yield { type: "relay-data", bytes: Buffer.from(text), usage: reader.usage() };
  }

  function readEvent({ name, data }: ServerSentEvent): string {
    const alike = name === null ? reader.readAlike(data) : null;
    if (alike !== null) return `data: ${alike}\n\n`;
    const value = parseRecord(data);
    if (value === null) throw new UpstreamFault("invalid", "An event of the stream is no JSON object.");
    if (name === "error" || isErrorBody(value)) throw toStreamError(value, errorContext);
    const text = reader.read(data, value);
    if (text === null) return "";
    return `data: ${text.includes("\n") ? JSON.stringify(value) : text}\n\n`;
  }

  /** All that came at once leaves at once; what came before an error leaves before it is thrown. */
  function* translate(events: readonly ServerSentEvent[]): Generator<RelayEvent> {
    let text = "";
    try {
      for (const event of events) {
        if (event.data.startsWith(DONE)) {
          isDone = true;
          text += DONE_FRAME;
          break;
        }
        text += readEvent(event);
      }
    } catch (thrown) {
      if (text !== "") yield* send(text);
      throw thrown;
    }
    if (events.length > 0) yield* send(text);
    if (isDone) yield { type: "relay-end", usage: reader.usage() };
  }

  return {
    push: (chunks) => translate(decoder.push(chunks)),
    *end() {
      yield* translate(decoder.end());
      if (isDone) return;
      if (!reader.isFinished()) throw new UpstreamFault("broken", "The stream ended before the answer did.");
      yield* send(reader.endsWithDone ? DONE_FRAME : "");
      yield { type: "relay-end", usage: reader.usage() };
    },
    isComplete: () => isDone,
  };
}

function toStreamError(body: JsonRecord, errorContext: UpstreamErrorContext): Error {
  return decodeUpstreamError({ status: null, headers: {}, body }, errorContext);
}
