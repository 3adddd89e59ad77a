/** Which format a file has, by its content alone: names and content types of uploads are often wrong. */

import { type MpegFrame, readMpegFrame } from "./mpeg-frame.ts";

/** As the messages call them. `ogg` is an Ogg file with none of the codecs that have a name of their own here. */
export type AudioFormat =
  | "wav"
  | "mp3"
  | "flac"
  | "ogg vorbis"
  | "ogg opus"
  | "ogg flac"
  | "ogg"
  | "mp4"
  | "webm"
  | "aac"
  | "mpeg"
  | "aiff";

/** How far into a file the first frame of an mp3 is looked for: behind padding, or the rest of a cut frame. */
const MP3_SEARCH_BYTES = 64 * 1024;

/** @returns undefined where it is none of the formats. */
export function recogniseFormat(bytes: Uint8Array): AudioFormat | undefined {
  const start = skipId3(bytes);
  const magic = readAscii(bytes, start, 4);
  if ((magic === "RIFF" || magic === "RF64" || magic === "BW64") && readAscii(bytes, start + 8, 4) === "WAVE") {
    return "wav";
  }
  if (magic === "fLaC") return "flac";
  if (magic === "OggS") return recogniseOgg(bytes.subarray(start));
  if (readAscii(bytes, start + 4, 4) === "ftyp") return "mp4";
  if (startsWith(bytes, start, [0x1a, 0x45, 0xdf, 0xa3])) return "webm";
  if (startsWith(bytes, start, [0, 0, 1, 0xba])) return "mpeg";
  if (magic === "FORM" && readAscii(bytes, start + 8, 3) === "AIF") return "aiff";
  if (isAdts(bytes, start)) return "aac";
  return findMpegFrame(bytes) === undefined ? undefined : "mp3";
}

/** The first frame of an mp3 that two others follow, or the end of the file. */
export function findMpegFrame(bytes: Uint8Array): MpegFrame | undefined {
  const start = skipId3(bytes);
  const end = Math.min(bytes.length, start + MP3_SEARCH_BYTES);
  for (let at = bytes.indexOf(0xff, start); at >= 0 && at < end; at = bytes.indexOf(0xff, at + 1)) {
    const frame = readMpegFrame(bytes, at);
    if (frame !== undefined && isFollowed(bytes, at + frame.bytes, frame)) return frame;
  }
  return undefined;
}

function isFollowed(bytes: Uint8Array, at: number, frame: MpegFrame): boolean {
  if (at >= bytes.length) return at === bytes.length;
  const second = readMpegFrame(bytes, at);
  if (second?.kind !== frame.kind) return false;
  const third = at + second.bytes;
  return third >= bytes.length || readMpegFrame(bytes, third)?.kind === frame.kind;
}

/** Where the content behind the ID3v2 tags begins; 0 where a tag's length is beyond the file. */
export function skipId3(bytes: Uint8Array): number {
  let start = 0;
  while (readAscii(bytes, start, 3) === "ID3" && bytes.length >= start + 10) {
    const [flags = 0, first = 0, second = 0, third = 0, fourth = 0] = bytes.subarray(start + 5, start + 10);
    const footer = (flags & 0x10) === 0 ? 0 : 10;
    start += 10 + ((first & 0x7f) << 21) + ((second & 0x7f) << 14) + ((third & 0x7f) << 7) + (fourth & 0x7f) + footer;
    if (start >= bytes.length) return 0;
  }
  return start;
}

export function readAscii(bytes: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + length));
}

/** By the first packet of the pages with which the logical streams begin; they are the first pages of a file. */
function recogniseOgg(bytes: Uint8Array): AudioFormat {
  let at = 0;
  while (readAscii(bytes, at, 4) === "OggS" && ((bytes[at + 5] ?? 0) & 2) !== 0) {
    const segments = bytes[at + 26] ?? 0;
    const packet = at + 27 + segments;
    const codec = oggCodecAt(bytes, packet);
    if (codec !== undefined) return codec;
    at = packet + bytes.subarray(at + 27, packet).reduce((sum, length) => sum + length, 0);
  }
  return "ogg";
}

export function oggCodecAt(bytes: Uint8Array, at: number): "ogg vorbis" | "ogg opus" | "ogg flac" | undefined {
  if (readAscii(bytes, at, 8) === "OpusHead") return "ogg opus";
  if (readAscii(bytes, at, 7) === "\u0001vorbis") return "ogg vorbis";
  return readAscii(bytes, at, 5) === "\u007FFLAC" ? "ogg flac" : undefined;
}

/** AAC frames without a container: layer 0, which no MPEG audio has, and the next frame where this one says. */
function isAdts(bytes: Uint8Array, at: number): boolean {
  if (bytes[at] !== 0xff || ((bytes[at + 1] ?? 0) & 0xf6) !== 0xf0) return false;
  const [high = 0, middle = 0, low = 0] = bytes.subarray(at + 3, at + 6);
  const length = ((high & 3) << 11) | (middle << 3) | (low >> 5);
  const next = at + length;
  return length >= 7 && (next >= bytes.length || (bytes[next] === 0xff && ((bytes[next + 1] ?? 0) & 0xf6) === 0xf0));
}

function startsWith(bytes: Uint8Array, at: number, magic: readonly number[]): boolean {
  return magic.every((byte, index) => bytes[at + index] === byte);
}
