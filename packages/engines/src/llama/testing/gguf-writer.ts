/** Encodes a GGUF file, version 3, with F32 and Q8_0 tensors: enough for test models. https://github.com/ggml-org/ggml/blob/master/docs/gguf.md */

export type GgufValue =
  | { readonly type: "string"; readonly value: string }
  | { readonly type: "uint32" | "float32"; readonly value: number }
  | { readonly type: "strings"; readonly value: readonly string[] }
  | { readonly type: "int32s"; readonly value: readonly number[] };

export interface GgufTensor {
  readonly name: string;
  /** Innermost dimension first. */
  readonly shape: readonly number[];
  /** Q8_0 needs an innermost dimension of a multiple of 32. */
  readonly type: "f32" | "q8_0";
  readonly values: Float32Array;
}

const VERSION = 3;
const ALIGNMENT = 32;
const TYPE_UINT32 = 4;
const TYPE_INT32 = 5;
const TYPE_FLOAT32 = 6;
const TYPE_STRING = 8;
const TYPE_ARRAY = 9;
const TENSOR_TYPES = { f32: 0, q8_0: 8 } as const;
const BLOCK_VALUES = 32;
const BLOCK_BYTES = 34;

export function encodeGguf(
  metadata: readonly (readonly [string, GgufValue])[],
  tensors: readonly GgufTensor[],
): Buffer {
  let offset = 0;
  const bodies = tensors.map(encodeTensor);
  const infos = tensors.map((tensor, index) => {
    const info = Buffer.concat([
      encodeString(tensor.name),
      encodeUint32(tensor.shape.length),
      ...tensor.shape.map(encodeUint64),
      encodeUint32(TENSOR_TYPES[tensor.type]),
      encodeUint64(offset),
    ]);
    offset += align(bodies[index]?.length ?? 0);
    return info;
  });
  const header = Buffer.concat([
    Buffer.from("GGUF"),
    encodeUint32(VERSION),
    encodeUint64(tensors.length),
    encodeUint64(metadata.length),
    ...metadata.map(([key, value]) => Buffer.concat([encodeString(key), encodeValue(value)])),
    ...infos,
  ]);
  return Buffer.concat([header, ...bodies].flatMap((part) => [part, padding(part.length)]));
}

function encodeTensor({ type, values }: GgufTensor): Buffer {
  return type === "f32" ? Buffer.from(values.buffer, values.byteOffset, values.byteLength) : encodeQ8(values);
}

/** Blocks of 32 values: a half-precision scale and 32 signed bytes. */
function encodeQ8(values: Float32Array): Buffer {
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

function encodeValue(value: GgufValue): Buffer {
  switch (value.type) {
    case "string":
      return Buffer.concat([encodeUint32(TYPE_STRING), encodeString(value.value)]);
    case "uint32":
      return Buffer.concat([encodeUint32(TYPE_UINT32), encodeUint32(value.value)]);
    case "float32":
      return Buffer.concat([encodeUint32(TYPE_FLOAT32), encodeFloat32(value.value)]);
    case "strings":
      return encodeArray(TYPE_STRING, value.value.map(encodeString));
    case "int32s":
      return encodeArray(TYPE_INT32, value.value.map(encodeUint32));
    default:
      return value satisfies never;
  }
}

function encodeArray(type: number, items: readonly Buffer[]): Buffer {
  return Buffer.concat([encodeUint32(TYPE_ARRAY), encodeUint32(type), encodeUint64(items.length), ...items]);
}

function encodeString(text: string): Buffer {
  const bytes = Buffer.from(text, "utf8");
  return Buffer.concat([encodeUint64(bytes.length), bytes]);
}

function encodeUint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function encodeUint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function encodeFloat32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
}

function align(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT;
}

function padding(length: number): Buffer {
  return Buffer.alloc(align(length) - length);
}
