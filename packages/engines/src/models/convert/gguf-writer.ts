/**
 * Encodes GGUF files: a head from its parts, or a whole small file in memory. It knows the container alone: what the
 * metadata say and how the weights of a tensor are encoded is the caller's.
 *
 * Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (version 3, little-endian).
 */

export const GGUF_MAGIC = "GGUF";
export const GGUF_VERSION = 3;
/** What a file has that does not say `general.alignment`. */
export const GGUF_DEFAULT_ALIGNMENT_BYTES = 32;
/** Metadata types, by their number in the file. */
export const GGUF_TYPES = { uint32: 4, int32: 5, float32: 6, bool: 7, string: 8, array: 9 } as const;

export interface GgufTensor {
  readonly name: string;
  /** Fastest-changing dimension first. */
  readonly dimensions: readonly number[];
  /** Number of the encoding in ggml's `enum ggml_type`. */
  readonly type: number;
  /** From the start of the data section. */
  readonly offsetBytes: number;
}

export interface GgufHeader {
  readonly metadataCount: number;
  /** The metadata section as it stands in the file. */
  readonly metadata: Buffer;
  readonly alignmentBytes: number;
  readonly tensors: readonly GgufTensor[];
}

export type GgufValue =
  | { readonly type: "string"; readonly value: string }
  | { readonly type: "uint32" | "float32"; readonly value: number }
  | { readonly type: "bool"; readonly value: boolean }
  | { readonly type: "strings"; readonly value: readonly string[] }
  | { readonly type: "int32s"; readonly value: readonly number[] };

export interface GgufContent {
  readonly metadata: readonly (readonly [key: string, value: GgufValue])[];
  /** With the bytes of their weights; they lie in the file in this order. */
  readonly tensors: readonly (Omit<GgufTensor, "offsetBytes"> & { readonly bytes: Uint8Array })[];
}

/** The head's bytes, padded to where the data section starts. */
export function encodeGgufHeader({ metadataCount, metadata, alignmentBytes, tensors }: GgufHeader): Buffer {
  const head = Buffer.concat([
    Buffer.from(GGUF_MAGIC),
    encodeUint32(GGUF_VERSION),
    encodeUint64(tensors.length),
    encodeUint64(metadataCount),
    metadata,
    ...tensors.flatMap(encodeTensorInfo),
  ]);
  return pad(head, alignmentBytes);
}

/** A whole file, with the default alignment. */
export function encodeGguf({ metadata, tensors }: GgufContent): Buffer {
  const alignmentBytes = GGUF_DEFAULT_ALIGNMENT_BYTES;
  let offsetBytes = 0;
  const placed = tensors.map((tensor): GgufTensor => {
    const start = offsetBytes;
    offsetBytes += alignUp(tensor.bytes.length, alignmentBytes);
    return { ...tensor, offsetBytes: start };
  });
  const head = encodeGgufHeader({
    metadataCount: metadata.length,
    metadata: encodeGgufMetadata(metadata),
    alignmentBytes,
    tensors: placed,
  });
  return Buffer.concat([head, ...tensors.map(({ bytes }) => pad(bytes, alignmentBytes))]);
}

/** The metadata section of a file. */
export function encodeGgufMetadata(metadata: GgufContent["metadata"]): Buffer {
  return Buffer.concat(metadata.flatMap(([key, value]) => [encodeString(key), encodeValue(value)]));
}

/** The next multiple of `alignment` that is not below `value`. */
export function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}

function encodeTensorInfo({ name, dimensions, type, offsetBytes }: GgufTensor): Buffer[] {
  return [
    encodeString(name),
    encodeUint32(dimensions.length),
    ...dimensions.map(encodeUint64),
    encodeUint32(type),
    encodeUint64(offsetBytes),
  ];
}

function encodeValue(value: GgufValue): Buffer {
  switch (value.type) {
    case "string":
      return Buffer.concat([encodeUint32(GGUF_TYPES.string), encodeString(value.value)]);
    case "uint32":
      return Buffer.concat([encodeUint32(GGUF_TYPES.uint32), encodeUint32(value.value)]);
    case "float32":
      return Buffer.concat([encodeUint32(GGUF_TYPES.float32), encodeFloat32(value.value)]);
    case "bool":
      return Buffer.concat([encodeUint32(GGUF_TYPES.bool), Buffer.from([value.value ? 1 : 0])]);
    case "strings":
      return encodeArray(GGUF_TYPES.string, value.value.map(encodeString));
    case "int32s":
      return encodeArray(GGUF_TYPES.int32, value.value.map(encodeInt32));
    default:
      return value satisfies never;
  }
}

function encodeArray(type: number, items: readonly Buffer[]): Buffer {
  return Buffer.concat([encodeUint32(GGUF_TYPES.array), encodeUint32(type), encodeUint64(items.length), ...items]);
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

function encodeInt32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
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

function pad(bytes: Uint8Array, alignmentBytes: number): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(alignUp(bytes.length, alignmentBytes) - bytes.length)]);
}
