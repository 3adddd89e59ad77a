/**
 * Reads a safetensors file: its list of tensors, and one tensor at a time. It knows the container alone. Everything is
 * checked against the file's size before it is read, because the file may come from anywhere.
 *
 * Format: https://huggingface.co/docs/safetensors/index#format
 */

import type { FileHandle } from "node:fs/promises";
import { AiError } from "@openai-compat/core";
import { z } from "zod";

/** 32-bit floats, 64-bit integers, bytes. */
export type SafetensorsType = "F32" | "I64" | "U8";

export interface SafetensorsTensor {
  readonly name: string;
  readonly dtype: SafetensorsType;
  /** Slowest-changing dimension first. */
  readonly shape: readonly number[];
  /** From the start of the file. */
  readonly start: number;
  readonly sizeBytes: number;
}

const HEADER_BYTES_MAX = 16 * 1024 * 1024;
const LENGTH_BYTES = 8;
const BYTES_PER_WEIGHT = 4;
export const SAFETENSORS_ELEMENT_BYTES = { F32: BYTES_PER_WEIGHT, I64: 8, U8: 1 } as const satisfies Record<
  SafetensorsType,
  number
>;

const dimension = z.int().min(0);
const metadataSchema = z.record(z.string(), z.string());
const tensorSchema = z.object({
  dtype: z.enum(["F32", "I64", "U8"]),
  shape: z.array(dimension).max(8),
  data_offsets: z.tuple([dimension, dimension]),
});

export interface SafetensorsHeader {
  /** In the order of their names. */
  readonly tensors: readonly SafetensorsTensor[];
  /** What the writer of the file says of it. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** @throws AiError `invalid_value` when it is no safetensors file, is damaged, or holds another type of number */
export async function readSafetensorsHeader(file: FileHandle): Promise<SafetensorsHeader> {
  const { size } = await file.stat();
  const length = Number((await readExactly(file, 0, LENGTH_BYTES)).readBigUInt64LE());
  if (length > Math.min(HEADER_BYTES_MAX, size - LENGTH_BYTES)) throw damaged("its header is longer than the file");
  const { __metadata__: metadata = {}, ...entries } = parseHeader(await readExactly(file, LENGTH_BYTES, length));
  const dataStart = LENGTH_BYTES + length;
  const tensors = Object.entries(entries)
    .map(([name, entry]) => {
      const { success, data } = tensorSchema.safeParse(entry);
      if (!success) throw damaged(`the tensor ${name.slice(0, 100)} is of no type that is known here`);
      const [from, to] = data.data_offsets;
      const sizeBytes = data.shape.reduce((product, count) => product * count, SAFETENSORS_ELEMENT_BYTES[data.dtype]);
      if (to - from !== sizeBytes || dataStart + to > size) throw damaged(`the tensor ${name.slice(0, 100)} is cut`);
      return { name, dtype: data.dtype, shape: data.shape, start: dataStart + from, sizeBytes };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const texts = metadataSchema.safeParse(metadata);
  if (!texts.success) throw damaged("its metadata are no texts");
  return { tensors, metadata: texts.data };
}

/** A part of the weights of a tensor of floats. @param from,count in weights, inside of the tensor */
export async function readWeights(
  file: FileHandle,
  tensor: SafetensorsTensor,
  { from, count }: { readonly from: number; readonly count: number },
): Promise<Float32Array> {
  const bytes = await readExactly(file, tensor.start + from * BYTES_PER_WEIGHT, count * BYTES_PER_WEIGHT);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const weights = new Float32Array(count);
  for (let index = 0; index < count; index += 1) {
    const weight = view.getFloat32(index * BYTES_PER_WEIGHT, true);
    if (!Number.isFinite(weight)) throw damaged(`the tensor ${tensor.name} holds something that is not a number`);
    weights[index] = weight;
  }
  return weights;
}

function parseHeader(bytes: Buffer): Readonly<Record<string, unknown>> {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(bytes.toString("utf8")));
  } catch (thrown) {
    throw damaged("its header is no JSON object", thrown);
  }
}

async function readExactly(file: FileHandle, start: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  const { bytesRead } = await file.read(bytes, 0, length, start);
  if (bytesRead !== length) throw damaged("it is cut");
  return bytes;
}

function damaged(reason: string, cause?: unknown): AiError {
  return new AiError("invalid_value", `The safetensors file is damaged: ${reason}.`, { cause });
}
