/**
 * How long a recording is, so that it can be priced before anybody listens to it. Its container says so and may lie:
 * what is held is the most that so many bytes can be, and a lie is charged no less than the fewest bytes that a second
 * takes.
 */

import { createWorkSlices } from "@openai-compat/core";
import { countBytes } from "../../../http/body-pieces.ts";

export interface AudioLengths {
  /** As the container says, where so many bytes can be so short. */
  readonly audioMs: number;
  /** The most that it can be. */
  readonly audioMsMax: number;
}

const BITS_PER_BYTE = 8;
/** No speech codec in use spends fewer bits on a second. */
const BITS_PER_SECOND_MIN = 6000;
/** No codec that loses anything spends more on it, nor one that loses nothing. */
const LOSSY_BITS_PER_SECOND_MAX = 640_000;
const LOSSLESS_BITS_PER_SECOND_MAX = 6_000_000;

/** What sampled sound can sensibly have; beyond it, the numbers of a header mean nothing. */
const SAMPLE_RATE_MAX = 192_000;
const SAMPLE_BITS_MAX = 64;
const CHANNELS_MAX = 32;

/**
 * Milliseconds, rounded up.
 *
 * @param pieces of the recording, in their order.
 * @throws the signal's reason when it aborts.
 */
export async function measureAudio(pieces: readonly Uint8Array[], signal: AbortSignal): Promise<AudioLengths> {
  const bytes = countBytes(pieces);
  const longest = lengthOf(bytes, BITS_PER_SECOND_MIN);
  const format = await readFormat(pieces, signal);
  const claimed = format?.duration;
  if (format === null || claimed === undefined || !Number.isFinite(claimed)) {
    return { audioMs: longest, audioMsMax: longest };
  }
  const isRaw = format.container === "WAVE" && format.codec === "PCM";
  const rawRate = isRaw ? readRawBitRate(format) : null;
  if (isRaw && rawRate === null) return { audioMs: longest, audioMsMax: longest };
  // Raw samples are as long as their bytes say, with a header that may be cut off or lie.
  if (rawRate !== null) {
    const exact = lengthOf(bytes, rawRate);
    return { audioMs: Math.min(Math.max(Math.ceil(claimed * 1000), exact - HEADER_MS), exact), audioMsMax: exact };
  }
  const shortest = lengthOf(bytes, format.lossless === true ? LOSSLESS_BITS_PER_SECOND_MAX : LOSSY_BITS_PER_SECOND_MAX);
  const audioMs = Math.max(Math.ceil(claimed * 1000), shortest);
  return { audioMs, audioMsMax: Math.max(longest, audioMs) };
}

/** What the bytes of a header and of tags seem to last. */
const HEADER_MS = 1000;

interface AudioFormat {
  readonly duration?: number;
  readonly container?: string;
  readonly codec?: string;
  readonly lossless?: boolean;
  readonly sampleRate?: number;
  readonly bitsPerSample?: number;
  readonly numberOfChannels?: number;
}

/** @returns null for no container that is known, or a broken one: the upstream will say so */
async function readFormat(pieces: readonly Uint8Array[], signal: AbortSignal): Promise<AudioFormat | null> {
  // Loaded with the first recording.
  const [{ parseFromTokenizer }, { SlicedTokenizer }] = await Promise.all([
    import("music-metadata"),
    import("./sliced-tokenizer.ts"),
  ]);
  try {
    const tokenizer = new SlicedTokenizer(pieces, createWorkSlices({ signal }));
    return (await parseFromTokenizer(tokenizer, { duration: true, skipCovers: true })).format;
  } catch {
    signal.throwIfAborted();
    return null;
  }
}

function lengthOf(bytes: number, bitsPerSecond: number): number {
  return Math.ceil((bytes * BITS_PER_BYTE * 1000) / bitsPerSecond);
}

/** @returns bits of a second of samples that nothing compresses; null where the header's numbers mean nothing */
function readRawBitRate({ sampleRate, bitsPerSample, numberOfChannels }: AudioFormat): number | null {
  const isSane =
    isBetween(sampleRate, SAMPLE_RATE_MAX) &&
    isBetween(bitsPerSample, SAMPLE_BITS_MAX) &&
    isBetween(numberOfChannels, CHANNELS_MAX);
  return isSane ? sampleRate * bitsPerSample * numberOfChannels : null;
}

function isBetween(value: number | undefined, max: number): value is number {
  return value !== undefined && value >= 1 && value <= max;
}
