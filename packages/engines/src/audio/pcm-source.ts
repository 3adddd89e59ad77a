/** What every decoder of this folder gives: samples of a few milliseconds to a second, as the file has them. */

import type { WorkSlices } from "@openai-compat/core";
import type { DecodeMeter } from "./decode-meter.ts";
import type { DecoderPackages } from "./decoder-packages.ts";

export interface PcmBlock {
  readonly rateHz: number;
  /** One array for each channel, all of one length; at least one. */
  readonly channels: readonly Float32Array[];
}

export interface PcmSourceContext {
  /** Told of the rate and the channels that a file claims before anything is allocated for them. */
  readonly meter: DecodeMeter;
  /** Asked between two steps, so that an abort arrives. */
  readonly slices: WorkSlices;
  /** Of the call; for what waits for another process. */
  readonly signal: AbortSignal;
  readonly packages: DecoderPackages;
}

/**
 * @param bytes A whole file.
 * @throws AiError `invalid_value`; DecoderUnavailable, before the first block; any other error means that the file is
 *   damaged at this point.
 */
export type PcmSource = (bytes: Uint8Array, context: PcmSourceContext) => AsyncIterable<PcmBlock>;
