/**
 * The fast path for most chunks of a stream: they equal an earlier one except for their text, so its result applies to
 * them. It parses nothing.
 */

export interface ChunkTemplate {
  /** @returns null when the chunk differs from the last one learnt in more than its text */
  fill(chunk: string): FilledChunk | null;
  /** As `fill`, for whole events at the start of a text. */
  fillEvents(text: string, options: FillEventsOptions): FilledEvents;
  /** @param chunk a JSON object, known to be one. @param sent what was sent for it */
  learn(chunk: string, sent: string): void;
}

export interface FillEventsOptions {
  /** In code units; a longer event is left for its own checks. */
  readonly eventLengthMax: number;
  /** Called with the text of each chunk. */
  readonly onText: (text: string) => void;
}

export interface FilledEvents {
  /** What of the text was read; 0 for nothing. */
  readonly length: number;
  /** The events to send for it. */
  readonly sent: string;
}

export interface FilledChunk {
  /** The text of the chunk. */
  readonly text: string;
  /** The chunk to send for it. */
  readonly sent: string;
}

interface Frame {
  /** Up to and including the text's opening quote. */
  readonly head: string;
  /** From the text's closing quote on. */
  readonly tail: string;
}

export const NO_EVENTS: FilledEvents = { length: 0, sent: "" };
/** Around the data of an event that has one line of it and nothing else. */
const EVENT_START = "data: ";
const EVENT_END = "\n\n";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const FIRST_PRINTABLE = 0x20;
/** Line breaks to some parsers, which have to be escaped. */
const NEXT_LINE = 0x85;
const LINE_SEPARATOR = 0x20_28;
const PARAGRAPH_SEPARATOR = 0x20_29;

/**
 * A chunk matches when it has the same head and tail, and between them some characters that a JSON string may hold
 * unescaped. Then it is JSON because the learnt one was, and every other value in it is the same.
 *
 * @param key how the name of the text's field ends: `content` stands for `reasoning_content` too
 */
export function createChunkTemplate(key: "content" | "text"): ChunkTemplate {
  let learnt: Frame | null = null;
  let sent: Frame | null = null;
  /** The same around whole events. */
  let learntEvent: Frame | null = null;
  let sentEvent: Frame | null = null;
  return {
    fill(chunk) {
      if (learnt === null || sent === null) return null;
      const start = learnt.head.length;
      const end = chunk.length - learnt.tail.length;
      // Three times as fast as `startsWith` and `endsWith`.
      if (chunk.slice(0, start) !== learnt.head || chunk.slice(end) !== learnt.tail) return null;
      if (!isPlain(chunk, start, end)) return null;
      const text = chunk.slice(start, end);
      return { text, sent: sent.head + text + sent.tail };
    },
    fillEvents(text, { eventLengthMax, onText }) {
      if (learntEvent === null || sentEvent === null) return NO_EVENTS;
      const { head, tail } = learntEvent;
      const isSame = head === sentEvent.head && tail === sentEvent.tail;
      let filled = "";
      let length = 0;
      while (text.slice(length, length + head.length) === head) {
        const start = length + head.length;
        const end = text.indexOf('"', start);
        const next = end + tail.length;
        if (end === -1 || next - length > eventLengthMax) break;
        if (text.slice(end, next) !== tail || !isPlain(text, start, end)) break;
        const piece = text.slice(start, end);
        onText(piece);
        if (!isSame) filled += sentEvent.head + piece + sentEvent.tail;
        length = next;
      }
      return { length, sent: isSame ? text.slice(0, length) : filled };
    },
    learn(chunk, sentChunk) {
      learnt = splitAtText(chunk, key);
      sent = splitAtText(sentChunk, key);
      learntEvent = learnt && encodeEvent(learnt);
      sentEvent = sent && encodeEvent(sent);
    },
  };
}

function splitAtText(chunk: string, key: string): Frame | null {
  const name = chunk.indexOf(`${key}":`);
  if (name === -1) return null;
  const opening = name + key.length + (chunk[name + key.length + 2] === " " ? 3 : 2);
  const closing = chunk.indexOf('"', opening + 1);
  if (chunk[opening] !== '"' || !isPlain(chunk, opening + 1, closing)) return null;
  return { head: chunk.slice(0, opening + 1), tail: chunk.slice(closing) };
}

function encodeEvent({ head, tail }: Frame): Frame {
  return { head: EVENT_START + head, tail: tail + EVENT_END };
}

/** Whether the range is not empty and has no quote, backslash, control character or line break. */
function isPlain(text: string, start: number, end: number): boolean {
  for (let index = start; index < end; index += 1) {
    const code = text.charCodeAt(index);
    if (code < FIRST_PRINTABLE || code === QUOTE || code === BACKSLASH) return false;
    if (code >= NEXT_LINE && isLineBreak(code)) return false;
  }
  return end > start;
}

function isLineBreak(code: number): boolean {
  return code === NEXT_LINE || code === LINE_SEPARATOR || code === PARAGRAPH_SEPARATOR;
}
