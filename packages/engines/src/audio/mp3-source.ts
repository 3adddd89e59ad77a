/** MPEG audio, layers I to III, by mpg123 in WebAssembly. It finds its way back after damage itself. */

import { audioError } from "./audio-error.ts";
import { importDecoder } from "./decoder-packages.ts";
import { quietly } from "./quietly.ts";
import { findMpegFrame } from "./recognise-format.ts";
import type { PcmSource } from "./pcm-source.ts";

/** Of the file, fed at a time: at the lowest bit rate about 90 seconds of audio, 16 MB. */
const CHUNK_BYTES = 16 * 1024;

export const mp3Source: PcmSource = async function* decodeMp3(bytes, { meter, slices, packages }) {
  const { MPEGDecoder } = await importDecoder("mpg123-decoder", packages["mpg123-decoder"]);
  const first = findMpegFrame(bytes);
  if (first === undefined) throw audioError("The mp3 file has no frames.");
  meter.checkFormat(first);
  const decoder = new MPEGDecoder();
  await decoder.ready;
  try {
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      const chunk = bytes.subarray(at, at + CHUNK_BYTES);
      const { channelData, samplesDecoded, sampleRate } = await quietly(() => decoder.decode(chunk));
      // It always gives two channels.
      if (samplesDecoded > 0) yield { rateHz: sampleRate, channels: channelData.slice(0, first.channels) };
      if (slices.isOver) await slices.next();
    }
  } finally {
    decoder.free();
  }
};
