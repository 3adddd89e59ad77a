/** The first packet of an Opus stream in Ogg (RFC 7845, 5.1). Nothing of it reaches libopus that this hasn't checked. */

import { audioError } from "./audio-error.ts";

export interface OpusHead {
  readonly channels: number;
  /** Samples at 48 kHz to drop at the beginning. */
  readonly preSkip: number;
  /** By which the samples are multiplied. */
  readonly gain: number;
  readonly streamCount: number;
  readonly coupledStreamCount: number;
  readonly channelMappingTable: number[];
}

const HEAD_BYTES = 19;

/** @throws AiError `invalid_value` */
export function readOpusHead(packet: Uint8Array): OpusHead {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  if (packet.length < HEAD_BYTES) throw audioError("The header of the opus stream is too short.");
  if (view.getUint8(8) >= 16) throw audioError("The opus stream has an unknown version.");
  const channels = view.getUint8(9);
  const common = { channels, preSkip: view.getUint16(10, true), gain: 10 ** (view.getInt16(16, true) / 256 / 20) };
  if (view.getUint8(18) === 0) {
    if (channels !== 1 && channels !== 2)
      throw audioError(`The opus stream has ${channels} channels without a mapping.`);
    return {
      ...common,
      streamCount: 1,
      coupledStreamCount: channels - 1,
      channelMappingTable: channels === 1 ? [0] : [0, 1],
    };
  }
  if (packet.length < HEAD_BYTES + 2 + channels) throw audioError("The header of the opus stream is too short.");
  const streamCount = view.getUint8(19);
  const coupledStreamCount = view.getUint8(20);
  const channelMappingTable = [...packet.subarray(21, 21 + channels)];
  const decoded = streamCount + coupledStreamCount;
  const isMapped = channelMappingTable.every((index) => index < decoded || index === 255);
  if (channels === 0 || streamCount === 0 || coupledStreamCount > streamCount || decoded > 255 || !isMapped) {
    throw audioError("The channel mapping of the opus stream is invalid.");
  }
  return { ...common, streamCount, coupledStreamCount, channelMappingTable };
}
