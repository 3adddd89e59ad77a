/** The samples of a WAV file as floats from -1 to 1, channel by channel. */

import { decodeALaw, decodeMuLaw } from "./g711.ts";
import { type WavHeader, readWavHeader } from "./wav-header.ts";
import type { PcmBlock, PcmSource } from "./pcm-source.ts";

/** Of one block, in bytes. */
const BLOCK_BYTES = 256 * 1024;

export const wavSource: PcmSource = async function* readWav(bytes, { meter, slices }) {
  const header = readWavHeader(bytes);
  meter.checkFormat(header);
  const frameBytes = header.sampleBytes * header.channels;
  const blockBytes = Math.max(1, Math.floor(BLOCK_BYTES / frameBytes)) * frameBytes;
  // A last frame that is not whole is no frame.
  for (let at = header.start; at + frameBytes <= header.end; at += blockBytes) {
    yield readWavSamples(bytes.subarray(at, Math.min(at + blockBytes, header.end)), header);
    if (slices.isOver) await slices.next();
  }
};

/** @param frames Whole frames; what is left over at the end is ignored. */
export function readWavSamples(frames: Uint8Array, header: WavHeader): PcmBlock {
  const { channels, sampleBytes, rateHz } = header;
  const count = Math.floor(frames.length / (sampleBytes * channels));
  const samples = decodeSamples(frames.subarray(0, count * sampleBytes * channels), header);
  if (channels === 1) return { rateHz, channels: [samples] };
  return {
    rateHz,
    channels: Array.from({ length: channels }, (_, channel) => {
      const one = new Float32Array(count);
      for (let index = 0; index < count; index += 1) one[index] = samples[index * channels + channel] ?? 0;
      return one;
    }),
  };
}

function decodeSamples(bytes: Uint8Array, { encoding, sampleBytes }: WavHeader): Float32Array {
  switch (encoding) {
    case "a-law":
      return decodeALaw(bytes);
    case "mu-law":
      return decodeMuLaw(bytes);
    case "unsigned":
      return Float32Array.from(bytes, (byte) => (byte - 128) / 128);
    case "float":
      return decodeFloats(bytes, sampleBytes);
    case "signed":
      return decodeSigned(bytes, sampleBytes);
  }
}

function decodeFloats(bytes: Uint8Array, sampleBytes: number): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const samples = new Float32Array(bytes.length / sampleBytes);
  for (let index = 0; index < samples.length; index += 1) {
    samples[index] = sampleBytes === 4 ? view.getFloat32(index * 4, true) : view.getFloat64(index * 8, true);
  }
  return samples;
}

function decodeSigned(bytes: Uint8Array, sampleBytes: number): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const samples = new Float32Array(bytes.length / sampleBytes);
  const read = signedReader(view, sampleBytes);
  for (let index = 0; index < samples.length; index += 1) samples[index] = read(index * sampleBytes);
  return samples;
}

/** @param sampleBytes 2, 3 or 4. */
function signedReader(view: DataView, sampleBytes: number): (at: number) => number {
  switch (sampleBytes) {
    case 2:
      return (at) => view.getInt16(at, true) / 0x8000;
    case 3:
      return (at) => ((view.getInt16(at + 1, true) << 8) | view.getUint8(at)) / 0x800000;
    default:
      return (at) => view.getInt32(at, true) / 0x80000000;
  }
}
