/**
 * Turns the bytes of a live session into samples of 16 kHz as they come. What does not fill a sample waits for the next
 * bytes, and the filter has no seam: wherever the bytes are cut, the samples are the same.
 */

import type { RealtimeAudioDecoder, RealtimeAudioFormat } from "@openai-compat/core";
import { DECODED_RATE_HZ } from "./audio-events.ts";
import { decodeALaw, decodeMuLaw } from "./g711.ts";
import { createResampler } from "./resampler.ts";

interface LiveFormat {
  readonly rateHz: number;
  readonly bytesPerSample: number;
  /** Samples from -1 to 1. @param bytes whole samples */
  readonly decode: (bytes: Uint8Array) => Float32Array;
}

const FORMATS: Readonly<Record<RealtimeAudioFormat, LiveFormat>> = {
  pcm: { rateHz: 24_000, bytesPerSample: 2, decode: decodePcm },
  pcmu: { rateHz: 8000, bytesPerSample: 1, decode: decodeMuLaw },
  pcma: { rateHz: 8000, bytesPerSample: 1, decode: decodeALaw },
};

const SAMPLE_SCALE = 32_768;

export function createLiveDecoder(format: RealtimeAudioFormat): RealtimeAudioDecoder {
  const { rateHz, bytesPerSample, decode } = FORMATS[format];
  const createFilter = () => createResampler({ from: rateHz, to: DECODED_RATE_HZ });
  let filter = createFilter();
  let rest = new Uint8Array(0);
  return {
    push(bytes) {
      const all = rest.length === 0 ? bytes : joinBytes(rest, bytes);
      const whole = all.length - (all.length % bytesPerSample);
      rest = all.slice(whole);
      return toInt16(filter.push(decode(all.subarray(0, whole))));
    },
    flush() {
      const last = toInt16(filter.flush());
      filter = createFilter();
      return last;
    },
  };
}

function joinBytes(first: Uint8Array, second: Uint8Array): Uint8Array {
  const joined = new Uint8Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}

/** 16 bits, little-endian, wherever they begin in memory. */
function decodePcm(bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: bytes.length / 2 }, (_, index) => view.getInt16(2 * index, true) / SAMPLE_SCALE);
}

function toInt16(samples: Float32Array): Int16Array {
  return Int16Array.from(samples, (sample) =>
    Math.max(-SAMPLE_SCALE, Math.min(SAMPLE_SCALE - 1, Math.round(sample * SAMPLE_SCALE))),
  );
}
