/** How converters write weights that ONNX Runtime reads. JavaScript's own arithmetic: the same bytes on every machine. */

export interface QuantisedWeights {
  /** In each block, 128 is 0 and the largest weight is 1 or 255. */
  readonly values: Uint8Array;
  /** One for each block. */
  readonly scales: Float32Array;
}

/** @param weights whole blocks of finite numbers */
export function quantiseBlocks(weights: Float32Array, blockWeights: number): QuantisedWeights {
  const values = new Uint8Array(weights.length);
  const scales = new Float32Array(weights.length / blockWeights);
  for (let block = 0; block < scales.length; block += 1) {
    const start = block * blockWeights;
    const part = weights.subarray(start, start + blockWeights);
    const largest = part.reduce((max, weight) => Math.max(max, Math.abs(weight)), 0);
    const scale = largest === 0 ? 1 : Math.fround(largest / 127);
    scales[block] = scale;
    for (const [index, weight] of part.entries()) values[start + index] = 128 + Math.round(weight / scale);
  }
  return { values, scales };
}

/** Little-endian. */
export function encodeFloats(values: Float32Array): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeFloatLE(value, index * 4);
  return bytes;
}
