/** Decodes a file in this process and measures what comes out. */

import { decodeBytes } from "../decode-bytes.ts";
import { DECODE_LIMITS, type DecodeLimits } from "../decode-limits.ts";
import { DECODER_PACKAGES, type DecoderPackages } from "../decoder-packages.ts";
import type { AudioEvent, AudioStartEvent } from "../audio-events.ts";

export interface CollectOptions {
  readonly limits?: Partial<DecodeLimits>;
  readonly ffmpegCommand?: string;
  readonly packages?: Partial<DecoderPackages>;
  readonly signal?: AbortSignal;
}

export interface CollectedAudio {
  readonly start: AudioStartEvent;
  readonly samples: Float32Array;
  readonly durationSeconds: number;
}

/** No `ffmpeg` is tried unless the options name one. */
export async function collectAudio(bytes: Uint8Array, options: CollectOptions = {}): Promise<CollectedAudio> {
  return foldAudio(
    decodeBytes(bytes, {
      limits: { ...DECODE_LIMITS, ...options.limits },
      ffmpegCommand: options.ffmpegCommand ?? "no-ffmpeg-here",
      packages: { ...DECODER_PACKAGES, ...options.packages },
      signal: options.signal ?? new AbortController().signal,
    }),
  );
}

/** @throws Error where the events don't come as promised */
export async function foldAudio(events: AsyncIterable<AudioEvent>): Promise<CollectedAudio> {
  let start: AudioStartEvent | undefined;
  let durationSeconds: number | undefined;
  const pieces: Float32Array[] = [];
  for await (const event of events) {
    if (durationSeconds !== undefined) throw new Error("An event came after the end.");
    if ((start === undefined) !== (event.type === "audio-start")) throw new Error("The start must come first, once.");
    if (event.type === "audio-start") start = event;
    else if (event.type === "audio-end") durationSeconds = event.durationSeconds;
    else pieces.push(event.samples);
  }
  if (start === undefined || durationSeconds === undefined) throw new Error("The events have no start or no end.");
  if (pieces.slice(0, -1).some((piece) => piece.length !== 16_000)) throw new Error("A piece has not one second.");
  const samples = Float32Array.from(pieces.flatMap((piece) => [...piece]));
  return { start, samples, durationSeconds };
}

/** The amplitude of one frequency in the middle of 16 kHz samples. */
export function levelOf(samples: Float32Array, hz: number): number {
  const period = 16_000 / 40;
  const middle = samples.subarray(Math.floor(samples.length / 4));
  const length = Math.floor(middle.length / 2 / period) * period;
  let [sines, cosines] = [0, 0];
  for (let index = 0; index < length; index += 1) {
    const angle = (2 * Math.PI * hz * index) / 16_000;
    sines += (middle[index] ?? 0) * Math.sin(angle);
    cosines += (middle[index] ?? 0) * Math.cos(angle);
  }
  return (2 * Math.hypot(sines, cosines)) / length;
}
