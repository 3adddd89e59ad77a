/** What decoding an audio file gives, event by event; plain data, because it crosses from the decoder's process. */

import type { AudioFormat } from "./recognise-format.ts";

/** Of all samples that leave this folder. What Whisper and Silero take. */
export const DECODED_RATE_HZ = 16_000;

/** Exactly one, before any samples. */
export interface AudioStartEvent {
  readonly type: "audio-start";
  readonly format: AudioFormat;
  /** Of the file, not of the samples that follow. */
  readonly rateHz: number;
  /** Of the file; the samples that follow are their mean. */
  readonly channels: number;
}

/** Mono at 16 kHz, -1 to 1. A second in each, less in the last. */
export interface AudioSamplesEvent {
  readonly type: "audio-samples";
  readonly samples: Float32Array;
}

/** The last one: the whole file has been decoded. */
export interface AudioEndEvent {
  readonly type: "audio-end";
  /** Of all samples. */
  readonly durationSeconds: number;
}

export type AudioEvent = AudioStartEvent | AudioSamplesEvent | AudioEndEvent;
