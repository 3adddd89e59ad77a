/** The samples of a WAV file of 16-bit samples: what the scripted transcription engine can read. */

import { AiError } from "@openai-compat/core";
import type { Sound } from "./tone-code.ts";

const PCM = 1;
const EXTENSIBLE = 0xff_fe;
const CHUNK_HEAD_BYTES = 8;
const BYTES_PER_SAMPLE = 2;
const SAMPLE_SCALE = 32_768;
const SAMPLE_RATE_MIN = 8000;
const SAMPLE_RATE_MAX = 192_000;

/** Only the first channel is read. A length that the header gets wrong ends with the file. @throws AiError for `file` */
export function readWave(bytes: Uint8Array): Sound {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (readTag(bytes, 0) !== "RIFF" || readTag(bytes, 8) !== "WAVE") {
    throw refuse("unsupported_value", "the scripted engine reads WAV files only");
  }
  let format: { readonly channels: number; readonly sampleRate: number } | null = null;
  for (let at = 12; at + CHUNK_HEAD_BYTES <= bytes.length;) {
    const tag = readTag(bytes, at);
    const length = view.getUint32(at + 4, true);
    const start = at + CHUNK_HEAD_BYTES;
    if (tag === "fmt ") format = readFormat(view, start);
    if (tag === "data" && format !== null) return readSamples(view, start, { ...format, length });
    at = start + length + (length % 2);
  }
  throw refuse("invalid_value", "the WAV file has no samples");
}

function readTag(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}

function readFormat(view: DataView, at: number) {
  if (at + 16 > view.byteLength) throw refuse("invalid_value", "the header of the WAV file is cut off");
  const encoding = view.getUint16(at, true);
  const channels = view.getUint16(at + 2, true);
  const sampleRate = view.getUint32(at + 4, true);
  const isRead =
    (encoding === PCM || encoding === EXTENSIBLE) && view.getUint16(at + 14, true) === 8 * BYTES_PER_SAMPLE;
  if (!isRead) throw refuse("unsupported_value", "the scripted engine reads samples of 16 bits only");
  if (channels === 0 || sampleRate < SAMPLE_RATE_MIN || sampleRate > SAMPLE_RATE_MAX) {
    throw refuse("invalid_value", "the header of the WAV file has no sensible rate or channels");
  }
  return { channels, sampleRate };
}

function readSamples(
  view: DataView,
  start: number,
  { length, channels, sampleRate }: { readonly length: number; readonly channels: number; readonly sampleRate: number },
): Sound {
  const frameBytes = channels * BYTES_PER_SAMPLE;
  const available = view.byteLength - start;
  const frames = Math.floor((length === 0 ? available : Math.min(length, available)) / frameBytes);
  const samples = new Float32Array(frames);
  for (let frame = 0; frame < frames; frame += 1) {
    samples[frame] = view.getInt16(start + frame * frameBytes, true) / SAMPLE_SCALE;
  }
  return { samples, sampleRate };
}

function refuse(code: "invalid_value" | "unsupported_value", why: string): AiError {
  return new AiError(code, `The audio can't be read: ${why}.`, { param: "file" });
}
