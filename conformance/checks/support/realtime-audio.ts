/** The recording in which somebody speaks, and silence, as realtime sessions take them. Nothing here judges. */

import { SPOKEN_SAMPLES } from "./spoken-samples.ts";
import { SPOKEN_SECONDS, spokenSamples } from "./recordings.ts";

const REALTIME_RATE = 24_000;
const BYTES_PER_SAMPLE = 2;
/** 24 kHz, of 8 kHz. */
const UPSAMPLING = 3;
/** Of what is sent at once. */
const CHUNK_MS = 100;

export interface RealtimeFormat {
  /** As `audio.input.format`. */
  readonly format: { readonly type: string; readonly rate?: number };
  readonly bytesPerMs: number;
  readonly spoken: Uint8Array;
  /** Its byte of silence. */
  readonly silence: number;
}

/** In straight lines from sample to sample. */
function upsample(samples: Int16Array): Uint8Array {
  const bytes = Buffer.alloc(samples.length * UPSAMPLING * BYTES_PER_SAMPLE);
  for (const [index, sample] of samples.entries()) {
    const next = samples[index + 1] ?? sample;
    for (let step = 0; step < UPSAMPLING; step += 1) {
      const value = Math.round(sample + ((next - sample) * step) / UPSAMPLING);
      bytes.writeInt16LE(value, (index * UPSAMPLING + step) * BYTES_PER_SAMPLE);
    }
  }
  return bytes;
}

/** ITU-T G.711. */
function compressToALaw(sample: number): number {
  const magnitude = Math.min(0x7fff, sample < 0 ? -sample - 1 : sample) >> 3;
  const segment = magnitude < 32 ? 0 : 27 - Math.clz32(magnitude);
  const mantissa = (magnitude >> Math.max(1, segment)) & 0x0f;
  return ((segment << 4) | mantissa | (sample < 0 ? 0 : 0x80)) ^ 0x55;
}

export const PCM: RealtimeFormat = {
  format: { type: "audio/pcm", rate: REALTIME_RATE },
  bytesPerMs: (REALTIME_RATE * BYTES_PER_SAMPLE) / 1000,
  spoken: upsample(spokenSamples),
  silence: 0,
};

export const PCMU: RealtimeFormat = {
  format: { type: "audio/pcmu" },
  bytesPerMs: 8,
  spoken: Buffer.from(SPOKEN_SAMPLES, "base64"),
  silence: 0xff,
};

export const PCMA: RealtimeFormat = {
  format: { type: "audio/pcma" },
  bytesPerMs: 8,
  spoken: Uint8Array.from(spokenSamples, compressToALaw),
  silence: 0xd5,
};

export const SPOKEN_MS = SPOKEN_SECONDS * 1000;
/** In the recording somebody speaks from here on, and to here; noise is before and after. */
export const SPEECH_MS = { start: 160, end: 1960 };

export function silenceOf(milliseconds: number, { bytesPerMs, silence }: RealtimeFormat = PCM): Uint8Array {
  return Buffer.alloc(milliseconds * bytesPerMs, silence);
}

/** In pieces of a tenth of a second, in base64. */
export function* cutAudio(audio: Uint8Array, { bytesPerMs }: RealtimeFormat = PCM): Generator<string> {
  const chunkBytes = CHUNK_MS * bytesPerMs;
  for (let at = 0; at < audio.length; at += chunkBytes) yield encodeAudio(audio.subarray(at, at + chunkBytes));
}

export function encodeAudio(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
