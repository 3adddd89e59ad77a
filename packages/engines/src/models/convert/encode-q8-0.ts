/// <reference lib="esnext.float16" />
/**
 * Encodes weights as ggml's Q8_0: blocks of 32, a half-precision scale and 32 signed bytes each. Numbers only. The
 * arithmetic is JavaScript's own, so the same weights give the same bytes on every machine.
 *
 * Layout: https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h (`block_q8_0`).
 */

export const Q8_0_BLOCK_WEIGHTS = 32;
export const Q8_0_BLOCK_BYTES = 34;
const LARGEST_BYTE = 127;

/** @param weights whole blocks of finite numbers */
export function encodeQ80(weights: Float32Array): Buffer {
  const blocks = weights.length / Q8_0_BLOCK_WEIGHTS;
  const bytes = Buffer.alloc(blocks * Q8_0_BLOCK_BYTES);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let block = 0; block < blocks; block += 1) {
    const from = block * Q8_0_BLOCK_WEIGHTS;
    const to = block * Q8_0_BLOCK_BYTES;
    let largest = 0;
    for (let index = 0; index < Q8_0_BLOCK_WEIGHTS; index += 1) {
      largest = Math.max(largest, Math.abs(weights[from + index] ?? 0));
    }
    const step = largest / LARGEST_BYTE;
    view.setFloat16(to, step, true);
    if (step === 0) continue;
    for (let index = 0; index < Q8_0_BLOCK_WEIGHTS; index += 1) {
      view.setInt8(to + 2 + index, Math.round((weights[from + index] ?? 0) / step));
    }
  }
  return bytes;
}
