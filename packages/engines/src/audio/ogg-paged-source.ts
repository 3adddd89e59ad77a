/** Vorbis and FLAC in Ogg: their decoders take whole pages, which are checked before. */

import { audioError } from "./audio-error.ts";
import { importDecoder } from "./decoder-packages.ts";
import { readFlacFormat } from "./flac-source.ts";
import { type OggStreamReader, createOggSource } from "./ogg-source.ts";
import { quietly } from "./quietly.ts";
import type { OggPage } from "./ogg-pages.ts";
import type { PcmBlock } from "./pcm-source.ts";

interface PageDecoder {
  readonly ready: Promise<void>;
  decode(page: Uint8Array): Promise<Decoded>;
  flush(): Promise<Decoded>;
  free(): void;
}

interface Decoded {
  readonly channelData: Float32Array[];
  readonly samplesDecoded: number;
  readonly sampleRate: number;
}

/** The packet with which a stream begins (Vorbis I, 4.2.2). */
const VORBIS_HEAD_BYTES = 30;

/** Before the FLAC signature in the first packet (RFC 9639, 10.1). */
const OGG_FLAC_PREFIX_BYTES = 9;

/** The identification, the comments, the setup (Vorbis I, 4.2). */
const VORBIS_HEADERS = 3;

export const oggVorbisSource = createOggSource("ogg vorbis", async (head, { meter, packages }) => {
  if (head.length < VORBIS_HEAD_BYTES) throw audioError("The header of the vorbis stream is too short.");
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  meter.checkFormat({ rateHz: view.getUint32(12, true), channels: view.getUint8(11) });
  const { OggVorbisDecoder } = await importDecoder(
    "@wasm-audio-decoders/ogg-vorbis",
    packages["@wasm-audio-decoders/ogg-vorbis"],
  );
  return openPageReader(new OggVorbisDecoder(), VORBIS_HEADERS);
});

export const oggFlacSource = createOggSource("ogg flac", async (head, { meter, packages }) => {
  meter.checkFormat(readFlacFormat(head.subarray(OGG_FLAC_PREFIX_BYTES)));
  const { FLACDecoder } = await importDecoder("@wasm-audio-decoders/flac", packages["@wasm-audio-decoders/flac"]);
  return openPageReader(new FLACDecoder(), 0);
});

/**
 * @param headers Packets that go in together with the first one after them: for a page of headers alone, the Vorbis
 *   decoder makes as many channels as its memory happens to say.
 */
async function openPageReader(decoder: PageDecoder, headers: number): Promise<OggStreamReader> {
  await decoder.ready;
  const held: Uint8Array[] = [];
  let packets = 0;
  return {
    async *read(page: OggPage) {
      const isHeader = packets <= headers;
      packets += page.lacing.filter((length) => length < 255).length;
      if (isHeader) held.push(page.bytes);
      if (packets <= headers) return;
      const bytes = isHeader ? Buffer.concat(held.splice(0)) : page.bytes;
      yield* blocksOf(await quietly(() => decoder.decode(bytes)));
    },
    async *end() {
      if (packets > headers) yield* blocksOf(await quietly(() => decoder.flush()));
    },
    close: () => decoder.free(),
  };
}

function* blocksOf({ channelData, samplesDecoded, sampleRate }: Decoded): Generator<PcmBlock> {
  if (samplesDecoded > 0) yield { rateHz: sampleRate, channels: channelData };
}
