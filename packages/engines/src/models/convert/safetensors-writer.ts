/** The header of a safetensors file: https://huggingface.co/docs/safetensors/index#format. */

import type { SafetensorsType } from "./safetensors.ts";
import { SAFETENSORS_ELEMENT_BYTES } from "./safetensors.ts";

export interface NewTensor {
  readonly name: string;
  readonly dtype: SafetensorsType;
  /** Slowest-changing dimension first. */
  readonly shape: readonly number[];
}

/** So that the data begin aligned for any type. */
const ALIGNMENT_BYTES = 8;

/** @returns the header, after which the tensors' bytes follow in the order given, and the size of the whole file */
export function encodeSafetensorsHeader(
  tensors: readonly NewTensor[],
  metadata: Readonly<Record<string, string>>,
): { readonly header: Buffer; readonly totalBytes: number } {
  let end = 0;
  const entries = tensors.map(({ name, dtype, shape }) => {
    const start = end;
    end += shape.reduce((product, dimension) => product * dimension, SAFETENSORS_ELEMENT_BYTES[dtype]);
    return [name, { dtype, shape, data_offsets: [start, end] }] as const;
  });
  const json = Buffer.from(JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(entries) }));
  const padding = (ALIGNMENT_BYTES - (json.length % ALIGNMENT_BYTES)) % ALIGNMENT_BYTES;
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length + padding));
  const header = Buffer.concat([length, json, Buffer.alloc(padding, " ")]);
  return { header, totalBytes: header.length + end };
}
