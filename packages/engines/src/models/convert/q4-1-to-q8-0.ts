/// <reference lib="esnext.float16" />
/**
 * Re-encodes blocks of 32 weights from ggml's Q4_1 to its Q8_0. Numbers only: no file, no tensor name.
 *
 * Layouts: https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h (`block_q4_1`, `block_q8_0`). A weight is the
 * single-precision number that ggml decodes; the rest is double precision, as JavaScript defines it, so the same input
 * gives the same bytes on every machine.
 */
import { AiError } from "@openai-compat/core";

/** Weights in a block of either encoding. */
export const WEIGHTS_PER_BLOCK = 32;
/** A scale and a minimum as half floats, then 32 four-bit levels: weight = level × scale + minimum. */
export const Q4_1_BLOCK_BYTES = 20;
/** A scale as a half float, then 32 signed bytes: weight = byte × scale. */
export const Q8_0_BLOCK_BYTES = 34;

const LEVELS = 16;
const LEVEL_BYTES = WEIGHTS_PER_BLOCK / 2;

/**
 * Re-encodes whole blocks. The error per weight is at most half a Q8_0 step (largest weight of the block / 254) plus
 * the rounding of the scale to half precision.
 *
 * @param source whole Q4_1 blocks
 * @returns as many Q8_0 blocks
 * @throws AiError `invalid_value` when a scale or minimum is not a finite number, or a block is cut
 */
export function reencodeQ41AsQ80(source: Uint8Array): Uint8Array {
  if (source.length % Q4_1_BLOCK_BYTES !== 0) {
    throw new AiError("invalid_value", "The model file is damaged: a Q4_1 block is cut.");
  }
  const blockCount = source.length / Q4_1_BLOCK_BYTES;
  const target = new Uint8Array(blockCount * Q8_0_BLOCK_BYTES);
  const reader = new DataView(source.buffer, source.byteOffset, source.byteLength);
  const writer = new DataView(target.buffer);
  const weights = new Int8Array(LEVELS);
  for (let block = 0; block < blockCount; block += 1) {
    const from = block * Q4_1_BLOCK_BYTES;
    const to = block * Q8_0_BLOCK_BYTES;
    const scale = reader.getFloat16(from, true);
    const minimum = reader.getFloat16(from + 2, true);
    if (!Number.isFinite(scale) || !Number.isFinite(minimum)) {
      throw new AiError("invalid_value", "The model file is damaged: a Q4_1 block has a scale that is not a number.");
    }
    const levels = source.subarray(from + 4, from + Q4_1_BLOCK_BYTES);
    const step = largestMagnitude(levels, scale, minimum) / 127;
    writer.setFloat16(to, step, true);
    encodeLevels(weights, { scale, minimum, step });
    for (let index = 0; index < LEVEL_BYTES; index += 1) {
      const pair = levels[index] ?? 0;
      writer.setInt8(to + 2 + index, weights[pair & 15] ?? 0);
      writer.setInt8(to + 2 + LEVEL_BYTES + index, weights[pair >> 4] ?? 0);
    }
  }
  return target;
}

/** A block's weights lie on one line over the levels, so the largest is at the lowest or the highest level in use. */
function largestMagnitude(levels: Uint8Array, scale: number, minimum: number): number {
  let lowest = LEVELS - 1;
  let highest = 0;
  for (const pair of levels) {
    const first = pair & 15;
    const second = pair >> 4;
    lowest = Math.min(lowest, first, second);
    highest = Math.max(highest, first, second);
  }
  return Math.max(Math.abs(Math.fround(lowest * scale + minimum)), Math.abs(Math.fround(highest * scale + minimum)));
}

/** The signed byte of each of the 16 levels; those of levels that the block does not use are never read. */
function encodeLevels(weights: Int8Array, block: { scale: number; minimum: number; step: number }): void {
  const inverse = block.step === 0 ? 0 : 1 / block.step;
  for (let level = 0; level < LEVELS; level += 1) {
    weights[level] = Math.round(Math.fround(level * block.scale + block.minimum) * inverse);
  }
}
