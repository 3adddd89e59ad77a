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

/** Of first pages; the headers of a stream take some 10 KiB. */
const HELD_BYTES_MAX = 128 * 1024;

export const oggVorbisSource = createOggSource("ogg vorbis", async (head, { meter, packages }) => {
  if (head.length < VORBIS_HEAD_BYTES) throw audioError("The header of the vorbis stream is too short.");
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  meter.checkFormat({ rateHz: view.getUint32(12, true), channels: view.getUint8(11) });
  const { OggVorbisDecoder } = await importDecoder(
    "@wasm-audio-decoders/ogg-vorbis",
    packages["@wasm-audio-decoders/ogg-vorbis"],
  );
  return openPageReader(new OggVorbisDecoder());
});

export const oggFlacSource = createOggSource("ogg flac", async (head, { meter, packages }) => {
  meter.checkFormat(readFlacFormat(head.subarray(OGG_FLAC_PREFIX_BYTES)));
  const { FLACDecoder } = await importDecoder("@wasm-audio-decoders/flac", packages["@wasm-audio-decoders/flac"]);
  return openPageReader(new FLACDecoder());
});

async function openPageReader(decoder: PageDecoder): Promise<OggStreamReader> {
  await decoder.ready;
  // The first pages, up to the first that ends audio, go in together: for a page of headers alone, the Vorbis decoder
  // makes as many channels as its memory happens to say.
  let held: Uint8Array[] | undefined = [];
  let heldBytes = 0;
  return {
    async *read(page: OggPage) {
      if (held === undefined) return yield* blocksOf(await quietly(() => decoder.decode(page.bytes)));
      held.push(page.bytes);
      heldBytes += page.bytes.length;
      if (page.granule <= 0n && heldBytes < HELD_BYTES_MAX) return;
      const pages = Buffer.concat(held);
      held = undefined;
      yield* blocksOf(await quietly(() => decoder.decode(pages)));
    },
    async *end() {
      if (held === undefined) yield* blocksOf(await quietly(() => decoder.flush()));
    },
    close: () => decoder.free(),
  };
}

function* blocksOf({ channelData, samplesDecoded, sampleRate }: Decoded): Generator<PcmBlock> {
  if (samplesDecoded > 0) yield { rateHz: sampleRate, channels: channelData };
}
