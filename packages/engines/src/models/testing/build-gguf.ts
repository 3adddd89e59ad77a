/** Builds small GGUF files for tests: real format, meaningless weights. */
import { encodeGgufHeader, type GgufTensor } from "../gguf-header.ts";

export interface TestTensor {
  readonly name: string;
  /** Number in ggml's `enum ggml_type`. */
  readonly type: number;
  readonly dimensions: readonly number[];
  readonly bytes: Buffer;
}

export interface BuildGgufOptions {
  readonly tensors: readonly TestTensor[];
  /** Adds an array of that many words, as a vocabulary is. */
  readonly words?: number;
}

const ALIGNMENT_BYTES = 32;

export function buildGguf({ tensors, words = 3 }: BuildGgufOptions): Buffer {
  const vocabulary = Array.from({ length: words }, (_, index) => text(`word ${index}`));
  const fileType = Buffer.concat([text("general.file_type"), uint32(4)]);
  const metadata = Buffer.concat([
    fileType,
    uint32(3),
    Buffer.concat([text("general.name"), uint32(8), text("tiny")]),
    Buffer.concat([text("tokens"), uint32(9), uint32(8), uint64(words), ...vocabulary]),
  ]);
  let offsetBytes = 0;
  const table: GgufTensor[] = [];
  const data: Buffer[] = [];
  for (const { name, type, dimensions, bytes } of tensors) {
    table.push({ name, type, dimensions, offsetBytes });
    const padding = (ALIGNMENT_BYTES - (bytes.length % ALIGNMENT_BYTES)) % ALIGNMENT_BYTES;
    data.push(bytes, Buffer.alloc(padding));
    offsetBytes += bytes.length + padding;
  }
  const header = encodeGgufHeader({
    metadataCount: 3,
    metadata,
    fileTypeOffset: fileType.length,
    alignmentBytes: ALIGNMENT_BYTES,
    tensors: table,
  });
  return Buffer.concat([header, ...data]);
}

/** Q4_1 blocks with every level in use, scale 1/8 and minimum −1. */
export function buildQ41Blocks(count: number): Buffer {
  const block = Buffer.alloc(20);
  block.writeUInt16LE(0x3000, 0);
  block.writeUInt16LE(0xbc00, 2);
  for (let index = 0; index < 16; index += 1) block[4 + index] = index | ((15 - index) << 4);
  return Buffer.concat(Array.from({ length: count }, () => block));
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([uint64(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}
