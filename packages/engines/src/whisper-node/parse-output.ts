/**
 * Reads the JSON that whisper.cpp writes of a recording. It escapes neither control characters nor the parts of a
 * character that are tokens of their own, so the file is read as bytes: every text keeps its own.
 */

export interface OutputToken {
  readonly id: number;
  readonly bytes: Buffer;
  /** 0 to 1. */
  readonly probability: number;
  /** From the start of the recording; null where whisper.cpp has none. */
  readonly times: OutputTimes | null;
}

interface OutputTimes {
  readonly startMs: number;
  readonly endMs: number;
}

export interface OutputSegment extends OutputTimes {
  /** Special ones included. */
  readonly tokens: readonly OutputToken[];
}

export interface WhisperOutput {
  /** Whisper's own code. */
  readonly language: string;
  readonly segments: readonly OutputSegment[];
}

/** Of a recording of half a minute; one that repeats a token until it has no room has 450 tokens, of 250 bytes each. */
export const OUTPUT_BYTES_MAX = 4 * 1024 * 1024;
const SEGMENTS_MAX = 10_000;
const TOKENS_MAX = 10_000;

const QUOTE = '"';
const BACKSLASH = "\\";

/** @throws Error for what whisper.cpp does not write */
export function parseWhisperOutput(bytes: Buffer): WhisperOutput {
  if (bytes.length > OUTPUT_BYTES_MAX) throw new Error(`The output has more than ${OUTPUT_BYTES_MAX} bytes.`);
  // Not JSON.parse's own error, which would show a part of the text.
  const value = parseJson(escapeControls(bytes.toString("latin1")));
  const language = readText(readField(readField(value, "result"), "language")).toString("latin1");
  const segments = readArray(readField(value, "transcription"), SEGMENTS_MAX).map(readSegment);
  return { language, segments };
}

function readSegment(value: unknown): OutputSegment {
  const tokens = readArray(readField(value, "tokens"), TOKENS_MAX).map(readToken);
  return { ...readTimes(readField(value, "offsets")), tokens };
}

function readToken(value: unknown): OutputToken {
  const offsets = readField(value, "offsets");
  return {
    id: readInteger(readField(value, "id")),
    bytes: readText(readField(value, "text")),
    probability: Math.min(1, Math.max(0, readNumber(readField(value, "p")))),
    times: offsets === undefined ? null : readTimes(offsets),
  };
}

function readTimes(value: unknown): OutputTimes {
  return { startMs: readInteger(readField(value, "from")), endMs: readInteger(readField(value, "to")) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error("The output is no JSON.");
  }
}

/** Within strings; between them a line break is layout. */
function escapeControls(text: string): string {
  let isString = false;
  const parts: string[] = [];
  let from = 0;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index] ?? "";
    if (character === QUOTE) isString = !isString;
    else if (character === BACKSLASH) index += 1;
    else if (isString && character < " ") {
      parts.push(text.slice(from, index), `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
      from = index + 1;
    }
  }
  return [...parts, text.slice(from)].join("");
}

function readField(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) throw new Error(`The output has no object with ${name}.`);
  return Object.getOwnPropertyDescriptor(value, name)?.value;
}

function readArray(value: unknown, lengthMax: number): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error("The output has no list where one is expected.");
  if (value.length > lengthMax) throw new Error(`A list of the output has more than ${lengthMax} entries.`);
  return value;
}

function readText(value: unknown): Buffer {
  if (typeof value !== "string") throw new Error("The output has no text where one is expected.");
  return Buffer.from(value, "latin1");
}

function readNumber(value: unknown): number {
  if (typeof value !== "number") throw new Error("The output has no number where one is expected.");
  return value;
}

function readInteger(value: unknown): number {
  const number = readNumber(value);
  if (!Number.isSafeInteger(number)) throw new Error("A number of the output is no integer.");
  return number;
}
