/**
 * The pages of an Ogg file (RFC 3533). A page whose checksum is wrong is skipped, as in libogg: a lying length leads to
 * no other page.
 */

import { audioError } from "./audio-error.ts";

export interface OggPage {
  /** Of the logical stream. */
  readonly serial: number;
  readonly isFirst: boolean;
  readonly isLast: boolean;
  /** Whether its first segments belong to a packet that began on the page before. */
  readonly isContinued: boolean;
  /** What the codec counts up to the last packet that ends here; -1 where none ends. */
  readonly granule: bigint;
  readonly sequence: number;
  /** The lengths of the segments of `body`. A segment of 255 bytes is continued by the next one. */
  readonly lacing: Uint8Array;
  readonly body: Uint8Array;
  /** The whole page. */
  readonly bytes: Uint8Array;
}

const HEADER_BYTES = 27;

/** A file made of headers that claim long, overlapping pages would cost the square of its size in checksums. */
export const DAMAGED_PAGES_MAX = 1000;

export function* readOggPages(bytes: Uint8Array): Generator<OggPage, void> {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let damaged = 0;
  let at = file.indexOf("OggS");
  while (at >= 0) {
    const page = readPage(file, at);
    if (page === undefined) {
      damaged += 1;
      if (damaged > DAMAGED_PAGES_MAX) throw audioError("The ogg file has too many damaged pages.");
    } else {
      yield page;
    }
    at = file.indexOf("OggS", at + (page?.bytes.length ?? 4));
  }
}

function readPage(file: Buffer, at: number): OggPage | undefined {
  if (at + HEADER_BYTES > file.length || file[at + 4] !== 0) return undefined;
  const bodyAt = at + HEADER_BYTES + file.readUInt8(at + 26);
  const lacing = file.subarray(at + HEADER_BYTES, bodyAt);
  const end = bodyAt + lacing.reduce((sum, length) => sum + length, 0);
  if (end > file.length) return undefined;
  const bytes = file.subarray(at, end);
  if (checksumOf(bytes) !== file.readUInt32LE(at + 22)) return undefined;
  const flags = file.readUInt8(at + 5);
  return {
    serial: file.readUInt32LE(at + 14),
    isContinued: (flags & 1) !== 0,
    isFirst: (flags & 2) !== 0,
    isLast: (flags & 4) !== 0,
    granule: file.readBigInt64LE(at + 6),
    sequence: file.readUInt32LE(at + 18),
    lacing,
    body: file.subarray(bodyAt, end),
    bytes,
  };
}

const CHECKSUM_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 24;
  for (let bit = 0; bit < 8; bit += 1) value = (value << 1) ^ (value < 0 ? 0x04c11db7 : 0);
  return value >>> 0;
});

/** CRC-32 with the polynomial 04C11DB7, neither reflected nor inverted; the four bytes of the checksum count as 0. */
export function checksumOf(page: Uint8Array): number {
  let value = 0;
  for (let index = 0; index < page.length; index += 1) {
    const byte = index >= 22 && index < 26 ? 0 : (page[index] ?? 0);
    value = (value << 8) ^ (CHECKSUM_TABLE[(value >>> 24) ^ byte] ?? 0);
  }
  return value >>> 0;
}

/** Cuts the pages of one logical stream into packets; `undefined` stands for a packet of which a part is missing. */
export class PacketReader {
  #parts: Uint8Array[] | undefined;
  #sequence: number | undefined;

  read(page: OggPage): (Uint8Array | undefined)[] {
    const packets: (Uint8Array | undefined)[] = [];
    const follows = this.#sequence === undefined || page.sequence === this.#sequence + 1;
    const isLost = page.isContinued && (this.#parts === undefined || !follows);
    if (isLost || !page.isContinued) this.#parts = undefined;
    this.#sequence = page.sequence;
    let skipping = isLost;
    let at = 0;
    for (const length of page.lacing) {
      const segment = page.body.subarray(at, at + length);
      at += length;
      if (!skipping) (this.#parts ??= []).push(segment);
      if (length === 255) continue;
      packets.push(skipping || this.#parts === undefined ? undefined : join(this.#parts));
      this.#parts = undefined;
      skipping = false;
    }
    return packets;
  }
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
}
