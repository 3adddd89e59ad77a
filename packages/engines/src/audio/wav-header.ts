/**
 * The header of a WAV file: RIFF, RF64 and BW64, PCM, float, G.711 and extensible. It only says where the samples are
 * and what they are; every length that the file claims is checked against the bytes that are there.
 *
 * Recorders that stream, or were stopped, leave a length of 0 or 0xFFFFFFFF, or one beyond the file: the samples then
 * last to the end of the file, as in ffmpeg.
 */

import { audioError } from "./audio-error.ts";
import { DecoderUnavailable } from "./decoder-packages.ts";
import { readAscii } from "./recognise-format.ts";

export type WavEncoding = "unsigned" | "signed" | "float" | "a-law" | "mu-law";

export interface WavHeader {
  readonly encoding: WavEncoding;
  readonly rateHz: number;
  readonly channels: number;
  /** Of one channel. */
  readonly sampleBytes: number;
  /** Where the samples begin and end, in bytes; `end` is beyond the bytes given where only the file's head was given. */
  readonly start: number;
  readonly end: number;
}

/** Chunks before the samples; files have a handful. */
const CHUNKS_MAX = 1000;

const FORMAT_TAGS = { pcm: 1, float: 3, aLaw: 6, muLaw: 7, extensible: 0xfffe };

/** What follows the format tag in the subformat of an extensible file: the GUID that all registered codecs share. */
const SUBFORMAT_TAIL = "000000001000800000aa00389b71";

/**
 * @param bytes A file, or its head up to the samples.
 * @throws AiError `invalid_value`; DecoderUnavailable where the samples are of a codec such as ADPCM
 */
export function readWavHeader(bytes: Uint8Array): WavHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let format: Omit<WavHeader, "start" | "end"> | undefined;
  let longLength: number | undefined;
  let at = 12;
  for (let count = 0; at + 8 <= bytes.length && count < CHUNKS_MAX; count += 1) {
    const id = readAscii(bytes, at, 4);
    const length = view.getUint32(at + 4, true);
    const start = at + 8;
    if (id === "fmt ") format = readFormat(bytes.subarray(start, start + length));
    if (id === "ds64" && start + 16 <= bytes.length) longLength = Number(view.getBigUint64(start + 8, true));
    if (id === "data") {
      if (format === undefined) throw audioError('The WAV file has no "fmt " chunk before its samples.');
      return { ...format, start, end: endOfSamples(bytes, start, length === 0xffffffff ? longLength : length) };
    }
    at = start + length + (length % 2);
  }
  throw audioError(`The WAV file has no "${format === undefined ? "fmt " : "data"}" chunk.`);
}

function endOfSamples(bytes: Uint8Array, start: number, length: number | undefined): number {
  if (length === undefined || start + length > bytes.length) return bytes.length;
  // A length of 0 is the placeholder of a recorder, unless what follows are chunks.
  return length === 0 && !hasOnlyChunks(bytes, start) ? bytes.length : start + length;
}

function hasOnlyChunks(bytes: Uint8Array, start: number): boolean {
  let at = start;
  for (let count = 0; at < bytes.length && count < CHUNKS_MAX; count += 1) {
    if (at + 8 > bytes.length || !/^[ -~]{4}$/u.test(readAscii(bytes, at, 4))) return false;
    const length = new DataView(bytes.buffer, bytes.byteOffset + at + 4, 4).getUint32(0, true);
    at += 8 + length + (length % 2);
  }
  return at === bytes.length || at === bytes.length + 1;
}

function readFormat(chunk: Uint8Array): Omit<WavHeader, "start" | "end"> {
  if (chunk.length < 16) throw audioError('The "fmt " chunk of the WAV file is too short.');
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  const tag = readFormatTag(chunk, view);
  const channels = view.getUint16(2, true);
  const bits = view.getUint16(14, true);
  if (channels === 0) throw audioError("The WAV file has no channels.");
  const frameBytes = view.getUint16(12, true);
  const bytes = Math.ceil(bits / 8);
  // 24 bits may take four bytes; a frame's size that makes no sense is ignored.
  const padded = frameBytes / channels;
  const sampleBytes = Number.isInteger(padded) && padded >= bytes && padded <= 8 ? padded : bytes;
  return { rateHz: view.getUint32(4, true), channels, sampleBytes, encoding: readEncoding(tag, { bits, sampleBytes }) };
}

function readFormatTag(chunk: Uint8Array, view: DataView): number {
  const tag = view.getUint16(0, true);
  if (tag !== FORMAT_TAGS.extensible) return tag;
  if (chunk.length < 40) throw audioError('The "fmt " chunk of the WAV file is too short for the extensible format.');
  const tail = Buffer.from(chunk.subarray(26, 40)).toString("hex");
  if (tail !== SUBFORMAT_TAIL) throw new DecoderUnavailable(undefined);
  return view.getUint16(24, true);
}

function readEncoding(
  tag: number,
  { bits, sampleBytes }: { readonly bits: number; readonly sampleBytes: number },
): WavEncoding {
  if (tag === FORMAT_TAGS.aLaw && sampleBytes === 1) return "a-law";
  if (tag === FORMAT_TAGS.muLaw && sampleBytes === 1) return "mu-law";
  if (tag === FORMAT_TAGS.float && (bits === 32 || bits === 64) && sampleBytes * 8 === bits) return "float";
  if (tag === FORMAT_TAGS.pcm && bits > 0 && sampleBytes <= 4) return sampleBytes === 1 ? "unsigned" : "signed";
  throw new DecoderUnavailable(undefined);
}
