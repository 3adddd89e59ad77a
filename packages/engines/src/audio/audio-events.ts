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

/** Mono at 16 kHz: from -1 to 1, or in 16 bits. A second in each, less in the last. */
export interface AudioSamplesEvent<Samples> {
  readonly type: "audio-samples";
  readonly samples: Samples;
}

/** The last one: the whole file has been decoded. */
export interface AudioEndEvent {
  readonly type: "audio-end";
  /** Of all samples. */
  readonly durationSeconds: number;
}

/** Within the process of a decoder. */
export type AudioEvent = AudioStartEvent | AudioSamplesEvent<Float32Array> | AudioEndEvent;

/** As they leave it: what is held of a recording, in half of the bytes. */
export type DecodedEvent = AudioStartEvent | AudioSamplesEvent<Int16Array> | AudioEndEvent;
