/** FLAC by libFLAC in WebAssembly. */

import { audioError } from "./audio-error.ts";
import { importDecoder } from "./decoder-packages.ts";
import { quietly } from "./quietly.ts";
import { skipId3 } from "./recognise-format.ts";
import type { PcmSource } from "./pcm-source.ts";

/** Of the file, fed at a time: a frame of 14 bytes can hold 65,535 samples for each of eight channels. */
const CHUNK_BYTES = 1024;

/** From the signature to the end of the rate and the channels in the first block, which must be STREAMINFO. */
const FORMAT_BYTES = 21;

export const flacSource: PcmSource = async function* decodeFlac(bytes, { meter, slices, packages }) {
  const { FLACDecoder } = await importDecoder("@wasm-audio-decoders/flac", packages["@wasm-audio-decoders/flac"]);
  const start = skipId3(bytes);
  meter.checkFormat(readFlacFormat(bytes.subarray(start)));
  const decoder = new FLACDecoder();
  await decoder.ready;
  try {
    for (let at = start; at < bytes.length; at += CHUNK_BYTES) {
      const chunk = bytes.subarray(at, at + CHUNK_BYTES);
      const { channelData, samplesDecoded, sampleRate } = await quietly(() => decoder.decode(chunk));
      if (samplesDecoded > 0) yield { rateHz: sampleRate, channels: channelData };
      if (slices.isOver) await slices.next();
    }
    const { channelData, samplesDecoded, sampleRate } = await quietly(() => decoder.flush());
    if (samplesDecoded > 0) yield { rateHz: sampleRate, channels: channelData };
  } finally {
    decoder.free();
  }
};

/** @param flac From its signature on. */
export function readFlacFormat(flac: Uint8Array): { readonly rateHz: number; readonly channels: number } {
  if (flac.length < FORMAT_BYTES || ((flac[4] ?? 0) & 0x7f) !== 0) {
    throw audioError("The flac file has no STREAMINFO block.");
  }
  const [high = 0, middle = 0, low = 0] = flac.subarray(18, 21);
  return { rateHz: (high << 12) | (middle << 4) | (low >> 4), channels: ((low >> 1) & 7) + 1 };
}
