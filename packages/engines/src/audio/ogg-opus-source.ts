/** Opus in Ogg (RFC 7845), by libopus in WebAssembly, which decodes to 16 kHz itself. */

import type { OpusDecoder } from "opus-decoder";
import { DECODED_RATE_HZ } from "./audio-events.ts";
import { importDecoder } from "./decoder-packages.ts";
import { type OggStreamReader, createOggSource } from "./ogg-source.ts";
import { PacketReader, type OggPage } from "./ogg-pages.ts";
import { type OpusHead, readOpusHead } from "./opus-head.ts";
import { quietly } from "./quietly.ts";
import type { PcmBlock, PcmSource } from "./pcm-source.ts";

/** Of the samples that a stream counts. */
const OPUS_RATE_HZ = 48_000;

/** What the decoder's buffer takes of one packet: 120 ms at 256 kbit/s, for each channel. */
const PACKET_BYTES_PER_CHANNEL = 3840;

/** The head, and the comments. */
const HEADER_PACKETS = 2;

export const oggOpusSource: PcmSource = createOggSource("ogg opus", async (head, { meter, packages }) => {
  const opus = readOpusHead(head);
  meter.checkFormat({ rateHz: OPUS_RATE_HZ, channels: opus.channels });
  const { OpusDecoder: Decoder } = await importDecoder("opus-decoder", packages["opus-decoder"]);
  const decoder = new Decoder({
    ...opus,
    sampleRate: DECODED_RATE_HZ,
    preSkip: Math.round((opus.preSkip * DECODED_RATE_HZ) / OPUS_RATE_HZ),
  });
  await decoder.ready;
  return new OpusStreamReader(decoder, opus);
});

class OpusStreamReader implements OggStreamReader {
  readonly #decoder: OpusDecoder<typeof DECODED_RATE_HZ>;
  readonly #head: OpusHead;
  readonly #packets = new PacketReader();
  #headersLeft = HEADER_PACKETS;
  #frames = 0;

  constructor(decoder: OpusDecoder<typeof DECODED_RATE_HZ>, head: OpusHead) {
    this.#decoder = decoder;
    this.#head = head;
  }

  async *read(page: OggPage): AsyncGenerator<PcmBlock> {
    const packets = this.#packets.read(page).slice();
    while (this.#headersLeft > 0 && packets.length > 0) {
      packets.shift();
      this.#headersLeft -= 1;
    }
    let framesLeft = page.isLast ? this.#framesUntil(page.granule) : Number.POSITIVE_INFINITY;
    for (const packet of packets) {
      if (packet === undefined || packet.length > PACKET_BYTES_PER_CHANNEL * this.#head.channels) continue;
      const { channelData, samplesDecoded } = await quietly(() => this.#decoder.decodeFrame(packet));
      const frames = Math.min(samplesDecoded, framesLeft);
      framesLeft -= frames;
      this.#frames += frames;
      if (frames > 0)
        yield { rateHz: DECODED_RATE_HZ, channels: channelData.map((samples) => this.#amplify(samples, frames)) };
    }
  }

  async *end(): AsyncGenerator<PcmBlock> {}

  close(): void {
    this.#decoder.free();
  }

  /** The last page says where the audio ends within its last packet. A stream that was cut from a longer one does not count from 0. */
  #framesUntil(granule: bigint): number {
    const frames = Math.round(((Number(granule) - this.#head.preSkip) * DECODED_RATE_HZ) / OPUS_RATE_HZ) - this.#frames;
    return frames >= 0 ? frames : Number.POSITIVE_INFINITY;
  }

  #amplify(samples: Float32Array, frames: number): Float32Array {
    const kept = samples.subarray(0, frames);
    return this.#head.gain === 1 ? kept : kept.map((sample) => sample * this.#head.gain);
  }
}
