/** Encodes weights as ggml's Q8_0, for test models. */

const BLOCK_VALUES = 32;
const BLOCK_BYTES = 34;

/**
 * Blocks of 32 values: a half-precision scale and 32 signed bytes.
 *
 * @param values a multiple of 32 of them
 */
export function encodeQ80(values: Float32Array): Buffer {
  const bytes = Buffer.alloc((values.length / BLOCK_VALUES) * BLOCK_BYTES);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let block = 0; block * BLOCK_VALUES < values.length; block += 1) {
    const part = values.subarray(block * BLOCK_VALUES, (block + 1) * BLOCK_VALUES);
    const scale = part.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) / 127;
    view.setUint16(block * BLOCK_BYTES, encodeHalf(scale), true);
    for (const [index, value] of part.entries()) {
      view.setInt8(block * BLOCK_BYTES + 2 + index, scale === 0 ? 0 : Math.round(value / scale));
    }
  }
  return bytes;
}

/** A positive number below 65,504 in half precision; what is below 2⁻¹⁴ becomes 0. */
function encodeHalf(value: number): number {
  const bits = new DataView(new ArrayBuffer(4));
  bits.setFloat32(0, value);
  const exponent = (bits.getUint32(0) >>> 23) - 127 + 15;
  const fraction = (bits.getUint32(0) & 0x7f_ffff) >>> 13;
  return exponent <= 0 ? 0 : (exponent << 10) | fraction;
}
