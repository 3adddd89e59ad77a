/** Counts what a file is decoded to, and refuses the file when it exceeds a limit. */

import { audioError } from "./audio-error.ts";
import type { DecodeLimits } from "./decode-limits.ts";

export interface PcmFormat {
  readonly rateHz: number;
  readonly channels: number;
}

export interface DecodeMeter {
  /**
   * Called with what the file says and with what each block has.
   *
   * @returns The first one: the file's.
   * @throws AiError `invalid_value`
   */
  checkFormat(format: PcmFormat): PcmFormat;
  /**
   * Called with each block: its samples in one channel, their rate, and its channels.
   *
   * @throws AiError `invalid_value`
   */
  add(block: { readonly frames: number; readonly rateHz: number; readonly channels: number }): void;
}

export function createDecodeMeter(limits: DecodeLimits, fileBytes: number): DecodeMeter {
  let first: PcmFormat | undefined;
  let seconds = 0;
  let samples = 0;
  return {
    checkFormat(format) {
      const { rateHz, channels } = format;
      if (rateHz < limits.rateHzMin || rateHz > limits.rateHzMax) {
        throw audioError(
          `The audio file has a sampling rate of ${rateHz} Hz; it must be from ${limits.rateHzMin} to ${limits.rateHzMax} Hz.`,
        );
      }
      if (channels < 1 || channels > limits.channelsMax) {
        throw audioError(`The audio file has ${channels} channels; it must have from 1 to ${limits.channelsMax}.`);
      }
      first ??= { rateHz, channels };
      return first;
    },
    add({ frames, rateHz, channels }) {
      seconds += frames / rateHz;
      samples += frames * channels;
      if (seconds > limits.secondsMax) {
        throw audioError(`The audio file is longer than ${limits.secondsMax} seconds; send it in parts.`);
      }
      if (samples > limits.samplesPerByteMax * fileBytes) {
        throw audioError(
          `The audio file decodes to more than ${limits.samplesPerByteMax} samples for each of its ${fileBytes} bytes.`,
        );
      }
    },
  };
}
