/**
 * Reads the head of a GGUF file: counts, metadata (kept as raw bytes) and the table of tensors. Works on bytes in
 * memory and never follows what they say beyond their bounds.
 */
import {
  GGUF_DEFAULT_ALIGNMENT_BYTES,
  GGUF_TYPES,
  alignUp,
  type GgufHeader,
  type GgufTensor,
} from "./convert/gguf-writer.ts";
import { GgufReader, malformedGguf } from "./gguf-reader.ts";

const DIMENSIONS_MAX = 4;
const ALIGNMENT_BYTES_MAX = 65_536;

export interface DecodedGgufHeader {
  readonly header: GgufHeader;
  /** Where in `metadata` the value of `general.file_type` (an unsigned 32-bit integer) stands; `null` without one. */
  readonly fileTypeOffset: number | null;
  /** Where the data section starts. */
  readonly dataOffset: number;
}

/**
 * @param bytes the start of the file, at least its head
 * @throws GgufHeaderCutError when `bytes` end inside the head
 * @throws AiError `invalid_value` when it is not a GGUF file of version 3, or one that exceeds a limit of this module
 */
export function decodeGgufHeader(bytes: Buffer): DecodedGgufHeader {
  const reader = new GgufReader(bytes);
  const { tensorCount, metadataCount } = reader.start();
  const metadataStart = reader.position;
  let fileTypeOffset: number | null = null;
  let alignmentBytes = GGUF_DEFAULT_ALIGNMENT_BYTES;
  for (let index = 0; index < metadataCount; index += 1) {
    const key = reader.string();
    const type = reader.uint32();
    if (key === "general.file_type" && type === GGUF_TYPES.uint32) fileTypeOffset = reader.position - metadataStart;
    if (key === "general.alignment" && type === GGUF_TYPES.uint32) alignmentBytes = checkAlignment(reader.peekUint32());
    reader.skipValue(type);
  }
  const metadata = bytes.subarray(metadataStart, reader.position);
  const tensors = Array.from({ length: tensorCount }, () => readTensor(reader));
  const header = { metadataCount, metadata, alignmentBytes, tensors };
  return { header, fileTypeOffset, dataOffset: alignUp(reader.position, alignmentBytes) };
}

function readTensor(reader: GgufReader): GgufTensor {
  const name = reader.string();
  const dimensionCount = reader.uint32();
  if (dimensionCount < 1 || dimensionCount > DIMENSIONS_MAX) {
    throw malformedGguf(`a tensor has ${dimensionCount} dimensions, not 1 to ${DIMENSIONS_MAX}`);
  }
  const dimensions = Array.from({ length: dimensionCount }, () => reader.uint64());
  return { name, dimensions, type: reader.uint32(), offsetBytes: reader.uint64() };
}

function checkAlignment(value: number): number {
  if (value < 8 || value > ALIGNMENT_BYTES_MAX || value % 8 !== 0) throw malformedGguf(`its alignment is ${value}`);
  return value;
}
