/**
 * A strict reader of a recorded event stream: it splits bytes into frames and keeps every fact about the framing that a
 * client's parser would forgive or drop. It judges nothing; checks do.
 */

export type LineEnding = "\n" | "\r\n" | "\r";

export interface SseField {
  /** Text before the colon; empty for a comment line. */
  readonly name: string;
  /** Text after the colon, less one leading space. */
  readonly value: string;
  /** Whether one space followed the colon. */
  readonly spaced: boolean;
}

export interface SseFrame {
  /** Byte offset of the frame's first line in the body. */
  readonly offset: number;
  /** In wire order, comments included. */
  readonly fields: readonly SseField[];
  /** All `data` values joined with a line feed; null for a frame without `data`, such as a keep-alive comment. */
  readonly data: string | null;
  /** Value of the last `event` field; null without one. */
  readonly event: string | null;
  readonly id: string | null;
  readonly retry: string | null;
  /** Texts of the comment lines. */
  readonly comments: readonly string[];
  /** Blank lines that ended the frame: 1 as the format says, 0 when the body ended first. */
  readonly blankLines: number;
}

export interface SseStream {
  readonly frames: readonly SseFrame[];
  /** Every kind of line ending seen, in order of first appearance. */
  readonly lineEndings: readonly LineEnding[];
  /** Bytes after the last line ending: a frame that was cut in a line. */
  readonly trailingBytes: number;
  /** False when the bytes are not UTF-8; they are then read with replacement characters. */
  readonly validUtf8: boolean;
  /** True when the body starts with a byte order mark, which is then left out of the first line. */
  readonly byteOrderMark: boolean;
}

interface Line {
  readonly offset: number;
  readonly text: string;
  readonly ending: LineEnding | null;
}

/**
 * Any bytes can be read; nothing throws. Grammar:
 * https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */
export function parseSse(bytes: Uint8Array): SseStream {
  const byteOrderMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  const lines = splitLines(bytes, byteOrderMark ? 3 : 0);
  const last = lines.at(-1);
  return {
    frames: groupFrames(lines),
    lineEndings: [...new Set(lines.flatMap((line) => line.ending ?? []))],
    trailingBytes: last === undefined || last.ending !== null ? 0 : bytes.byteLength - last.offset,
    validUtf8: isUtf8(bytes),
    byteOrderMark,
  };
}

const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;

/** Splits at CRLF, LF and CR. Working on bytes is safe: neither occurs inside a multi-byte UTF-8 sequence. */
function splitLines(bytes: Uint8Array, from: number): Line[] {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const lines: Line[] = [];
  let start = from;
  for (let at = from; at < bytes.byteLength; at += 1) {
    const byte = bytes[at];
    if (byte !== CARRIAGE_RETURN && byte !== LINE_FEED) continue;
    const ending = byte === LINE_FEED ? "\n" : bytes[at + 1] === LINE_FEED ? "\r\n" : "\r";
    lines.push({ offset: start, text: decoder.decode(bytes.subarray(start, at)), ending });
    if (ending === "\r\n") at += 1;
    start = at + 1;
  }
  if (start < bytes.byteLength)
    lines.push({ offset: start, text: decoder.decode(bytes.subarray(start)), ending: null });
  return lines;
}

function groupFrames(lines: readonly Line[]): SseFrame[] {
  const frames: SseFrame[] = [];
  let open: { offset: number; fields: SseField[] } | undefined;
  let blankLines = 0;
  const close = (): void => {
    if (open !== undefined) frames.push(toFrame(open.offset, open.fields, blankLines));
    open = undefined;
    blankLines = 0;
  };
  for (const line of lines) {
    if (line.text === "") {
      blankLines += 1;
      continue;
    }
    if (blankLines > 0) close();
    open ??= { offset: line.offset, fields: [] };
    open.fields.push(parseField(line.text));
  }
  close();
  return frames;
}

function parseField(line: string): SseField {
  const colon = line.indexOf(":");
  if (colon === -1) return { name: line, value: "", spaced: false };
  const spaced = line[colon + 1] === " ";
  return { name: line.slice(0, colon), value: line.slice(colon + (spaced ? 2 : 1)), spaced };
}

function toFrame(offset: number, fields: readonly SseField[], blankLines: number): SseFrame {
  const valuesOf = (name: string): string[] => fields.filter((field) => field.name === name).map(({ value }) => value);
  const data = valuesOf("data");
  return {
    offset,
    fields,
    data: data.length === 0 ? null : data.join("\n"),
    event: valuesOf("event").at(-1) ?? null,
    id: valuesOf("id").at(-1) ?? null,
    retry: valuesOf("retry").at(-1) ?? null,
    comments: valuesOf(""),
    blankLines,
  };
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
