/**
 * Decodes a file with `audio-decode`, an optional package, as parts of it are under the GPL. It is fed in pieces: given
 * a whole webm file it takes the square of its length.
 */

import { DecoderUnavailable, importDecoder } from "./decoder-packages.ts";
import { quietly } from "./quietly.ts";
import type { AudioFormat } from "./recognise-format.ts";
import type { PcmSource } from "./pcm-source.ts";

/** How `audio-decode` calls the formats that it is given; the others it can't decode, or others do it better. */
const FORMATS: Partial<Record<AudioFormat, "m4a" | "webm" | "aac" | "aiff">> = {
  mp4: "m4a",
  webm: "webm",
  aac: "aac",
  aiff: "aiff",
};

const CHUNK_BYTES = 16 * 1024;

export function createPeerSource(format: AudioFormat): PcmSource {
  return async function* decodeWithPeer(bytes, { slices, packages }) {
    const name = FORMATS[format];
    if (name === undefined) throw new DecoderUnavailable(undefined);
    const { default: decode } = await importDecoder("audio-decode", packages["audio-decode"]);
    const blocks = decode(chunksOf(bytes), name);
    for (;;) {
      const next = await quietly(async () => blocks.next());
      if (next.done === true) return;
      const { channelData, sampleRate } = next.value;
      if ((channelData[0]?.length ?? 0) > 0) yield { rateHz: sampleRate, channels: channelData };
      if (slices.isOver) await slices.next();
    }
  };
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
}
