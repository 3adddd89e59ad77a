/**
 * What an audio file may cost. The bounds of a file's size and content are checked while it is decoded; the bounds of
 * time are kept by the process that waits for the decoder.
 */

import { audioError } from "./audio-error.ts";

export interface DecodeLimits {
  /** The size of a file in bytes. Default: 26,214,400 (25 MiB), what OpenAI accepts. */
  readonly bytesMax: number;
  /** How many seconds of audio a file may have. Default: 14,400 (four hours). */
  readonly secondsMax: number;
  /** Channels of a file. Default: 32. */
  readonly channelsMax: number;
  /** The lowest sampling rate of a file in Hz. Default: 1,000. */
  readonly rateHzMin: number;
  /** The highest sampling rate of a file in Hz. Default: 384,000. */
  readonly rateHzMax: number;
  /**
   * How many samples, those of all channels counted, a file may have for each of its bytes, so that a small file can't
   * ask for hours of work. Default: 10,000; digital silence in a FLAC file has up to 700.
   */
  readonly samplesPerByteMax: number;
  /**
   * How much memory the process of the decoder may take, in bytes, looked at every 5 s. Default: 1,610,612,736
   * (1.5 GiB); all formats but mp4 take a tenth of it at most.
   */
  readonly memoryBytesMax: number;
  /** How long the decoder may take for the next piece of a file before it is stopped, in ms. Default: 25,000. */
  readonly stallMsMax: number;
  /** How long the decoder may work on one file, in ms; waiting for the consumer is not work. Default: 300,000. */
  readonly workMsMax: number;
}

export const DECODE_LIMITS: DecodeLimits = {
  bytesMax: 25 * 1024 * 1024,
  secondsMax: 14_400,
  channelsMax: 32,
  rateHzMin: 1000,
  rateHzMax: 384_000,
  samplesPerByteMax: 10_000,
  memoryBytesMax: 1.5 * 1024 ** 3,
  stallMsMax: 25_000,
  workMsMax: 300_000,
};

/** @throws AiError `invalid_value` */
export function refuseTooManyBytes(bytes: number, { bytesMax }: DecodeLimits): void {
  if (bytes > bytesMax) {
    throw audioError(`The audio file has ${bytes} bytes; it may have up to ${bytesMax}.`);
  }
}
