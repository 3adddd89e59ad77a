/**
 * The Ogg container around Opus packets: pages with a checksum, and a position that says where the sound ends.
 *
 * Format: https://www.rfc-editor.org/rfc/rfc3533 and https://www.rfc-editor.org/rfc/rfc7845
 */

export interface OggStream {
  /** @param samples that the packet holds, at the rate of the stream */
  add(packet: Uint8Array, samples: number): void;
  /** The pages that are complete. */
  take(): Uint8Array<ArrayBuffer>;
  /** The last page. @param paddingSamples at the end of the last packets, which players are to leave out */
  finish(paddingSamples: number): Uint8Array<ArrayBuffer>;
}

export interface OggStreamOptions {
  readonly sampleRate: number;
  /** Samples that the encoder is behind. */
  readonly lookahead: number;
}

/** Positions and delays of Opus are counted at this rate, whatever the sound's. */
const OPUS_RATE = 48_000;
/** The largest packet has six segments, and a page has 255 at most. */
const PAGE_PACKETS_MAX = 40;
const SEGMENT_BYTES = 255;
const FLAGS = { none: 0, first: 2, last: 4 } as const;
const CHECKSUM_AT = 22;
const VENDOR = "openai-compat";

const CHECKSUM_TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let rest = index << 24;
  for (let bit = 0; bit < 8; bit += 1) rest = (rest << 1) ^ (rest < 0 ? 0x04c1_1db7 : 0);
  return rest >>> 0;
});

interface Packet {
  readonly bytes: Uint8Array;
  /** Where it ends, in samples at 48 kHz. */
  readonly position: number;
}

export function createOggStream({ sampleRate, lookahead }: OggStreamOptions): OggStream {
  const scale = OPUS_RATE / sampleRate;
  const serial = Math.floor(Math.random() * 2 ** 32);
  let pages: Buffer[] = [];
  let packets: Packet[] = [];
  let sequence = 0;
  let position = 0;

  function writePage(content: readonly Packet[], flags: number): void {
    pages.push(encodePage({ content, flags, serial, sequence }));
    sequence += 1;
  }

  function takePages(): Uint8Array<ArrayBuffer> {
    const taken = new Uint8Array(Buffer.concat(pages));
    pages = [];
    return taken;
  }

  const preSkip = Math.round(lookahead * scale);
  writePage([{ bytes: identify(sampleRate, preSkip), position: 0 }], FLAGS.first);
  writePage([{ bytes: describe(), position: 0 }], FLAGS.none);

  return {
    add(bytes, samples) {
      // One packet is kept for the last page, which says that it is the last.
      if (packets.length === PAGE_PACKETS_MAX) {
        writePage(packets, FLAGS.none);
        packets = [];
      }
      position += samples * scale;
      packets.push({ bytes: new Uint8Array(bytes), position });
    },
    take() {
      const last = packets.pop();
      if (packets.length > 0) writePage(packets, FLAGS.none);
      packets = last === undefined ? [] : [last];
      return takePages();
    },
    finish(paddingSamples) {
      const last = packets.at(-1);
      const padding = Math.max(0, paddingSamples * scale - preSkip);
      if (last !== undefined) packets = [...packets.slice(0, -1), { ...last, position: last.position - padding }];
      writePage(packets, FLAGS.last);
      packets = [];
      return takePages();
    },
  };
}

function identify(sampleRate: number, preSkip: number): Buffer {
  const head = Buffer.alloc(19);
  head.write("OpusHead", 0, "latin1");
  head.writeUInt8(1, 8);
  head.writeUInt8(1, 9);
  head.writeUInt16LE(preSkip, 10);
  head.writeUInt32LE(sampleRate, 12);
  return head;
}

function describe(): Buffer {
  const vendor = Buffer.from(VENDOR);
  const tags = Buffer.alloc(16 + vendor.length);
  tags.write("OpusTags", 0, "latin1");
  tags.writeUInt32LE(vendor.length, 8);
  vendor.copy(tags, 12);
  return tags;
}

interface PageOptions {
  readonly content: readonly Packet[];
  readonly flags: number;
  readonly serial: number;
  readonly sequence: number;
}

function encodePage({ content, flags, serial, sequence }: PageOptions): Buffer {
  const segments = content.flatMap(({ bytes }) => [
    ...Array.from({ length: Math.floor(bytes.length / SEGMENT_BYTES) }, () => SEGMENT_BYTES),
    bytes.length % SEGMENT_BYTES,
  ]);
  const head = Buffer.alloc(27);
  head.write("OggS", 0, "latin1");
  head.writeUInt8(flags, 5);
  head.writeBigUInt64LE(BigInt(Math.round(content.at(-1)?.position ?? 0)), 6);
  head.writeUInt32LE(serial, 14);
  head.writeUInt32LE(sequence, 18);
  head.writeUInt8(segments.length, 26);
  const page = Buffer.concat([head, Buffer.from(segments), ...content.map(({ bytes }) => bytes)]);
  page.writeUInt32LE(checksum(page), CHECKSUM_AT);
  return page;
}

function checksum(bytes: Buffer): number {
  let rest = 0;
  for (const byte of bytes) rest = ((rest << 8) ^ (CHECKSUM_TABLE[((rest >>> 24) ^ byte) & 0xff] ?? 0)) >>> 0;
  return rest;
}
