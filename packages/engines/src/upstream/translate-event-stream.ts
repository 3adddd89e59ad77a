/**
 * An event stream in the API's own framing: `data:` lines alone, blank-line separated, `[DONE]` at the end where the
 * API has it. The reader knows the events' shapes.
 */

import type { UpstreamEvent } from "@openai-compat/core";
import type { AnswerTranslator } from "./answer-translator.ts";
import { NO_EVENTS } from "./chunk-template.ts";
import { isErrorBody } from "./decode-error-body.ts";
import { decodeUpstreamError, type UpstreamErrorContext } from "./decode-error.ts";
import type { EventReader } from "./event-reader.ts";
import { BYTES_PER_CODE_UNIT_MAX, createEventStreamDecoder, type ServerSentEvent } from "./event-stream-decoder.ts";
import { parseRecord } from "./json-value.ts";
import { UpstreamError } from "./upstream-error.ts";

export interface EventStreamOptions {
  readonly reader: EventReader;
  readonly eventBytesMax: number;
  readonly droppedParameters: readonly string[];
  readonly errorContext: UpstreamErrorContext;
}

const DONE = "[DONE]";
const DONE_FRAME = `data: ${DONE}\n\n`;

/** Line breaks to some clients' parsers, though not to the standard; escaped they stay JSON. */
const FOREIGN_LINE_BREAKS = /[\u0085\u2028\u2029]/g;

/** `upstream-start` is sent with the first event, so that an error as the first event is thrown before any answer. */
export function createEventStreamTranslator(options: EventStreamOptions): AnswerTranslator {
  const { reader, eventBytesMax, droppedParameters } = options;
  const decoder = createEventStreamDecoder({ eventBytesMax });
  const eventLengthMax = Math.floor(eventBytesMax / BYTES_PER_CODE_UNIT_MAX);
  let hasStarted = false;
  let isDone = false;

  function* send(text: string): Generator<UpstreamEvent> {
    if (!hasStarted) yield { type: "upstream-start", contentType: "text/event-stream", droppedParameters };
    hasStarted = true;
    if (text !== "") yield toData(text);
  }

  const sendAll = (frames: readonly string[]) => (frames.length === 0 ? [] : send(frames.map(encodeFrame).join("")));

  function toData(text: string): UpstreamEvent {
    return { type: "upstream-data", bytes: Buffer.from(text), usage: reader.usage(false), source: reader.source() };
  }

  function readEvent(event: ServerSentEvent): string {
    const { name, data } = event;
    const unparsed = name === null ? reader.tryFastPath(data) : null;
    if (unparsed !== null) return `data: ${unparsed}\n\n`;
    const value = parseRecord(data);
    if (value === null) throw toDataError(event, options.errorContext);
    if (name === "error" || isErrorBody(value)) throw toStreamError(data, options.errorContext);
    return reader.read(data, value).map(encodeFrame).join("");
  }

  function endStream(isDoneByUpstream: boolean): string {
    const rest = reader.end(isDoneByUpstream).map(encodeFrame).join("");
    return rest + (reader.endsWithDone || isDoneByUpstream ? DONE_FRAME : "");
  }

  /**
   * Events that arrived together are emitted together; those before an error are emitted before it is thrown.
   *
   * @param decode it may throw
   * @param filled events to send before these
   */
  function* translate(decode: () => readonly ServerSentEvent[], filled = ""): Generator<UpstreamEvent> {
    let text = filled;
    try {
      for (const event of decode()) {
        if (event.data.startsWith(DONE)) {
          text += endStream(true);
          isDone = true;
          break;
        }
        text += readEvent(event);
      }
    } catch (thrown) {
      if (text !== "") yield* send(text);
      throw thrown;
    }
    if (text !== "") yield* send(text);
    if (isDone) yield toEnd(reader);
  }

  return {
    push(chunks) {
      const text = decoder.decode(chunks);
      const canFill = hasStarted && decoder.isBetweenEvents();
      const filled = canFill ? (reader.readEvents?.(text, eventLengthMax) ?? NO_EVENTS) : NO_EVENTS;
      if (filled.length > 0 && filled.length === text.length) return [toData(filled.sent)];
      return translate(() => decoder.push(text.slice(filled.length)), filled.sent);
    },
    *end() {
      yield* translate(() => decoder.end());
      if (isDone) return;
      yield* send(endStream(false));
      yield toEnd(reader);
    },
    holdsBack: () => reader.holdsBack?.() === true,
    release: () => sendAll(reader.release?.() ?? []),
    isComplete: () => isDone,
    awaitsUsage: () => reader.isFinished(),
    abandon: () => toEnd(reader),
  };
}

function toEnd(reader: EventReader): Extract<UpstreamEvent, { type: "upstream-end" }> {
  return { type: "upstream-end", usage: reader.usage(true), source: reader.source() };
}

/** @param data JSON */
function encodeFrame(data: string): string {
  return `data: ${data.search(FOREIGN_LINE_BREAKS) === -1 ? data : escapeLineBreaks(data)}\n\n`;
}

function escapeLineBreaks(data: string): string {
  return data.replaceAll(
    FOREIGN_LINE_BREAKS,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** @param body the data of an error event */
function toStreamError(body: string, errorContext: UpstreamErrorContext): Error {
  return decodeUpstreamError({ status: null, headers: {}, body }, errorContext);
}

function toDataError({ name, data }: ServerSentEvent, errorContext: UpstreamErrorContext): Error {
  if (name === "error") return toStreamError(data, errorContext);
  return new UpstreamError("invalid", "An event of the stream is no JSON object.");
}
