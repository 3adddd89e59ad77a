/** The header of an MPEG audio frame (ISO 11172-3, 13818-3; layers I to III): what recognises an mp3 file. */

export interface MpegFrame {
  readonly rateHz: number;
  readonly channels: number;
  /** With its header. */
  readonly bytes: number;
  /** MPEG version, layer and rate: the same in every frame of a file. */
  readonly kind: number;
}

const RATES_HZ = [44_100, 48_000, 32_000];

/** In kbit/s, by the header's index. */
const BIT_RATES = {
  v1l1: [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
  v1l2: [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
  v1l3: [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  v2l1: [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
  v2: [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
};

/** @returns undefined where no frame begins at `at`. Frames of the free bit rate, which has no length, are none. */
export function readMpegFrame(bytes: Uint8Array, at: number): MpegFrame | undefined {
  const [sync = 0, second = 0, third = 0, fourth = 0] = bytes.subarray(at, at + 4);
  if (bytes.length < at + 4 || sync !== 0xff || (second & 0xe0) !== 0xe0) return undefined;
  const version = (second >> 3) & 3;
  const layer = 4 - ((second >> 1) & 3);
  const rateIndex = (third >> 2) & 3;
  if (version === 1 || layer === 4 || rateIndex === 3) return undefined;
  const first = version === 3;
  const bitRate = (bitRatesOf(first, layer)[third >> 4] ?? 0) * 1000;
  if (bitRate === 0) return undefined;
  const rateHz = (RATES_HZ[rateIndex] ?? 0) >> (first ? 0 : version === 2 ? 1 : 2);
  const padding = (third >> 1) & 1;
  return {
    rateHz,
    channels: fourth >> 6 === 3 ? 1 : 2,
    bytes:
      layer === 1
        ? (Math.floor((12 * bitRate) / rateHz) + padding) * 4
        : Math.floor(((layer === 3 && !first ? 72 : 144) * bitRate) / rateHz) + padding,
    kind: (version << 4) | (layer << 2) | rateIndex,
  };
}

function bitRatesOf(first: boolean, layer: number): readonly number[] {
  if (!first) return layer === 1 ? BIT_RATES.v2l1 : BIT_RATES.v2;
  return layer === 1 ? BIT_RATES.v1l1 : layer === 2 ? BIT_RATES.v1l2 : BIT_RATES.v1l3;
}
