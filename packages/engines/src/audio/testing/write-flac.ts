/** Writes a FLAC file of silence in the largest frames: the most samples that a few bytes can stand for. */

const BLOCK_SAMPLES = 65_535;

export function writeSilentFlac(options: { readonly frames: number; readonly channels: number }): Uint8Array {
  const { frames, channels } = options;
  const info = Buffer.alloc(34);
  info.writeUInt16BE(BLOCK_SAMPLES, 0);
  info.writeUInt16BE(BLOCK_SAMPLES, 2);
  // 48,000 Hz in 20 bits, channels in 3, and 16 bits a sample in 5.
  info.writeUInt32BE(((48_000 << 12) | ((channels - 1) << 9) | (15 << 4)) >>> 0, 10);
  const head = Buffer.concat([Buffer.from("fLaC"), Buffer.of(0x80, 0, 0, info.length), info]);
  const bodies = Array.from({ length: frames }, (_, number) => writeFrame(number % 128, channels));
  return new Uint8Array(Buffer.concat([head, ...bodies]));
}

/** With a constant of 0 in each channel. */
function writeFrame(number: number, channels: number): Buffer {
  const header = Buffer.of(0xff, 0xf8, 0x7a, ((channels - 1) << 4) | 0x08, number, 0, 0);
  header.writeUInt16BE(BLOCK_SAMPLES - 1, 5);
  const checked = Buffer.concat([
    header,
    Buffer.of(crc(header, { bits: 8, polynomial: 0x07 })),
    Buffer.alloc(3 * channels),
  ]);
  const tail = Buffer.alloc(2);
  tail.writeUInt16BE(crc(checked, { bits: 16, polynomial: 0x8005 }));
  return Buffer.concat([checked, tail]);
}

function crc(bytes: Uint8Array, { bits, polynomial }: { readonly bits: number; readonly polynomial: number }): number {
  let value = 0;
  for (const byte of bytes) {
    value ^= byte << (bits - 8);
    for (let bit = 0; bit < 8; bit += 1) {
      value = ((value << 1) ^ ((value & (1 << (bits - 1))) === 0 ? 0 : polynomial)) & ((1 << bits) - 1);
    }
  }
  return value;
}
