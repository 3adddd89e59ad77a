/**
 * Reads a model file of CTranslate2: its list of variables, and one variable at a time as floats. It knows the
 * container alone. Everything is checked against the file's size before it is read, because the file may come from
 * anywhere.
 *
 * Format: https://github.com/OpenNMT/CTranslate2/blob/master/python/ctranslate2/specs/model_spec.py (`_serialize`)
 */

import type { FileHandle } from "node:fs/promises";
import { AiError } from "@openai-compat/core";

export interface Ct2Variable {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: Ct2Type;
  /** From the start of the file. */
  readonly start: number;
}

/** In the order of their numbers in the file. */
const TYPES = ["f32", "i8", "i16", "i32", "f16", "bf16"] as const;
type Ct2Type = (typeof TYPES)[number];
const ELEMENT_BYTES = { f32: 4, i8: 1, i16: 2, i32: 4, f16: 2, bf16: 2 } as const satisfies Record<Ct2Type, number>;
const VERSION_MIN = 4;
const VERSION_MAX = 6;
const VARIABLES_MAX = 10_000;
const RANK_MAX = 8;

/**
 * The variables by name.
 *
 * @throws AiError `invalid_value` when it is no such file, is damaged, or has a version that is not known here
 */
export async function readCt2Variables(file: FileHandle): Promise<ReadonlyMap<string, Ct2Variable>> {
  const reader = await createReader(file);
  const version = await reader.uint32();
  if (version < VERSION_MIN || version > VERSION_MAX) throw damaged("it has no version that is known here");
  const specification = await reader.text();
  if (specification !== "WhisperSpec") throw damaged(`it holds a ${specification.slice(0, 40)}, not a WhisperSpec`);
  await reader.uint32();
  const count = await reader.uint32();
  if (count > VARIABLES_MAX) throw damaged("it has too many variables");
  const variables = new Map<string, Ct2Variable>();
  for (let index = 0; index < count; index += 1) {
    const variable = await readVariable(reader);
    variables.set(variable.name, variable);
  }
  return variables;
}

async function readVariable(reader: Reader): Promise<Ct2Variable> {
  const name = await reader.text();
  const rank = await reader.uint8();
  if (rank > RANK_MAX) throw damaged(`${name.slice(0, 100)} has too many dimensions`);
  const shape: number[] = [];
  for (let index = 0; index < rank; index += 1) shape.push(await reader.uint32());
  const type = TYPES[await reader.uint8()];
  if (type === undefined) throw damaged(`${name.slice(0, 100)} is of no type that is known here`);
  const sizeBytes = await reader.uint32();
  if (countElements(shape) * ELEMENT_BYTES[type] !== sizeBytes) throw damaged(`${name.slice(0, 100)} is cut`);
  return { name, shape, type, start: reader.skip(sizeBytes) };
}

/** A part of the elements, 32-bit and 16-bit floats alike. @param from,count in elements, inside of the variable */
export async function readCt2Floats(
  file: FileHandle,
  { name, type, start }: Ct2Variable,
  { from, count }: { readonly from: number; readonly count: number },
): Promise<Float32Array> {
  if (type !== "f32" && type !== "f16") throw damaged(`${name.slice(0, 100)} holds ${type}; f32 or f16 can be read`);
  const elementBytes = ELEMENT_BYTES[type];
  const bytes = await readExactly(file, start + from * elementBytes, count * elementBytes);
  const floats = new Float32Array(count);
  for (let index = 0; index < count; index += 1) {
    floats[index] = type === "f32" ? bytes.readFloatLE(index * 4) : decodeHalf(bytes.readUInt16LE(index * 2));
  }
  return floats;
}

/** An integer by itself. */
export async function readCt2Integer(file: FileHandle, { type, start, shape, name }: Ct2Variable): Promise<number> {
  if (countElements(shape) !== 1) throw damaged(`${name.slice(0, 100)} is no single number`);
  switch (type) {
    case "i8":
      return (await readExactly(file, start, 1)).readInt8();
    case "i16":
      return (await readExactly(file, start, 2)).readInt16LE();
    case "i32":
      return (await readExactly(file, start, 4)).readInt32LE();
    case "f32":
    case "f16":
    case "bf16":
      throw damaged(`${name.slice(0, 100)} is no integer`);
  }
}

export function countElements(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

interface Reader {
  uint8(): Promise<number>;
  uint32(): Promise<number>;
  text(): Promise<string>;
  /** @returns where the skipped bytes start */
  skip(count: number): number;
}

async function createReader(file: FileHandle): Promise<Reader> {
  const { size } = await file.stat();
  let position = 0;
  function skip(count: number): number {
    const start = position;
    if (count > size - start) throw damaged("it is cut");
    position += count;
    return start;
  }
  const take = async (count: number): Promise<Buffer> => readExactly(file, skip(count), count);
  return {
    skip,
    uint8: async () => (await take(1)).readUInt8(),
    uint32: async () => (await take(4)).readUInt32LE(),
    async text() {
      const length = (await take(2)).readUInt16LE();
      // The length counts the zero at the end.
      const bytes = await take(length);
      return bytes.toString("utf8", 0, Math.max(0, length - 1));
    },
  };
}

async function readExactly(file: FileHandle, start: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  const { bytesRead } = await file.read(bytes, 0, length, start);
  if (bytesRead !== length) throw damaged("it is cut");
  return bytes;
}

/** IEEE 754 binary16, whose typed array the oldest Node.js that is supported lacks. */
function decodeHalf(bits: number): number {
  const sign = (bits & 0x8000) === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function damaged(reason: string): AiError {
  return new AiError("invalid_value", `The CTranslate2 model can't be read: ${reason}.`);
}
