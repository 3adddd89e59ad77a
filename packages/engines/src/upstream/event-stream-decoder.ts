/**
 * Decodes bytes to server-sent events, as the HTML standard does, within bounds. It doesn't parse the data. Two
 * differences: an event whose blank line the end of the stream cuts off still counts, and one with empty data doesn't,
 * because servers use it to keep connections alive and clients break on it.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */

import { StringDecoder } from "node:string_decoder";
import { UpstreamError } from "./upstream-error.ts";

export interface ServerSentEvent {
  /** The `event` field; null for none. */
  readonly name: string | null;
  /** Lines are joined by `\n`; never empty. */
  readonly data: string;
}

export interface EventStreamDecoder {
  /** The next bytes as text, in which every line ends `\n`. */
  decode(chunks: readonly Uint8Array[]): string;
  /** Whether nothing is left of what was pushed: the text that comes next begins an event. */
  isBetweenEvents(): boolean;
  /** @param text what was decoded, in order. @throws UpstreamError `invalid` when an event is too long */
  push(text: string): readonly ServerSentEvent[];
  /** The last event at the end of the stream. */
  end(): readonly ServerSentEvent[];
}

const BYTE_ORDER_MARK = "\uFEFF";
/** A UTF-16 code unit takes at most so many bytes in UTF-8. */
export const BYTES_PER_CODE_UNIT_MAX = 3;

/** @param options.eventBytesMax all lines of one event, comments included */
export function createEventStreamDecoder(options: { readonly eventBytesMax: number }): EventStreamDecoder {
  const { eventBytesMax } = options;
  const utf8 = new StringDecoder("utf8");
  const normalise = createNormaliser();
  let unfinished: string[] = [];
  let eventLength = 0;
  let name: string | null = null;
  let data: string | null = null;

  function assertLength(length: number): void {
    if (length > eventBytesMax) throw new UpstreamError("invalid", `An event is longer than ${eventBytesMax} bytes.`);
  }

  function readLine(line: string, events: ServerSentEvent[]): void {
    if (line === "") {
      if (data !== null && data !== "") {
        if (eventLength * BYTES_PER_CODE_UNIT_MAX > eventBytesMax) {
          assertLength(eventLength - data.length + Buffer.byteLength(data));
        }
        events.push({ name, data });
      }
      name = null;
      data = null;
      eventLength = 0;
      return;
    }
    if (line.startsWith("data:") || line === "data") {
      const value = line.slice(line[5] === " " ? 6 : 5);
      data = data === null ? value : `${data}\n${value}`;
    } else if (line.startsWith("event:")) {
      name = line.slice(line[6] === " " ? 7 : 6);
    } else if (data === null) {
      // Comments keep a connection alive, possibly for hours: they don't count towards an event's length.
      eventLength = 0;
    }
  }

  function readText(text: string): readonly ServerSentEvent[] {
    const events: ServerSentEvent[] = [];
    let from = 0;
    for (let to = text.indexOf("\n"); to !== -1; to = text.indexOf("\n", from)) {
      let line = text.slice(from, to);
      eventLength += line.length;
      assertLength(eventLength);
      if (unfinished.length > 0) {
        line = unfinished.join("") + line;
        unfinished = [];
      }
      readLine(line, events);
      from = to + 1;
    }
    if (from < text.length) {
      unfinished.push(from === 0 ? text : text.slice(from));
      eventLength += text.length - from;
      assertLength(eventLength);
    }
    return events;
  }

  return {
    decode([first, ...more]) {
      let text = first === undefined ? "" : utf8.write(first);
      for (const chunk of more) text += utf8.write(chunk);
      return normalise(text);
    },
    isBetweenEvents: () => unfinished.length === 0 && name === null && data === null,
    push: readText,
    end: () => readText(normalise(`${utf8.end()}\n\n`)),
  };
}

/** Drops a byte order mark and makes every line end `\n`. A raw CR can't be part of JSON, so nothing is lost. */
function createNormaliser(): (text: string) => string {
  let isStart = true;
  let swallowsLineFeed = false;
  return (raw) => {
    if (raw === "") return raw;
    let text = raw;
    if (isStart && text.startsWith(BYTE_ORDER_MARK)) text = text.slice(1);
    isStart = false;
    if (swallowsLineFeed && text.startsWith("\n")) text = text.slice(1);
    swallowsLineFeed = text.endsWith("\r");
    return text.includes("\r") ? text.replaceAll(/\r\n?/g, "\n") : text;
  };
}
