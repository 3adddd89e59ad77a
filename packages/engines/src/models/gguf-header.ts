/**
 * Reads the head of a GGUF file: counts, metadata (kept as raw bytes) and the table of tensors. Works on bytes in memory
 * and never follows what they say beyond their bounds.
 */
import { AiError } from "@openai-compat/core";
import {
  GGUF_DEFAULT_ALIGNMENT_BYTES,
  GGUF_MAGIC,
  GGUF_TYPES,
  GGUF_VERSION,
  alignUp,
  type GgufHeader,
  type GgufTensor,
} from "../shared/gguf-writer.ts";

/** Most bytes that a head may take; a vocabulary of 256k words takes about 10 MB. */
export const HEADER_BYTES_MAX = 64 * 1024 * 1024;
const TENSORS_MAX = 65_536;
const METADATA_MAX = 65_536;
const DIMENSIONS_MAX = 4;
const NAME_BYTES_MAX = 1024;
const ALIGNMENT_BYTES_MAX = 65_536;
/** Bytes of a value of each metadata type, by type number; strings (8) and arrays (9) say their own length. */
const VALUE_BYTES = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];

/** The bytes end inside the head; with more of the file it may be whole. */
export class GgufHeaderCutError extends AiError {
  constructor() {
    super("invalid_value", "The GGUF file is damaged: it ends inside its head.");
  }
}

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
  if (reader.text(4) !== GGUF_MAGIC) throw malformed("it does not start as one");
  const version = reader.uint32();
  if (version !== GGUF_VERSION) throw malformed(`version ${version} is not supported, only ${GGUF_VERSION}`);
  const tensorCount = reader.count("tensors", TENSORS_MAX);
  const metadataCount = reader.count("metadata entries", METADATA_MAX);
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

class GgufReader {
  position = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  text(length: number): string {
    const start = this.#advance(length);
    return this.#bytes.toString("utf8", start, this.position);
  }

  uint32(): number {
    return this.#bytes.readUInt32LE(this.#advance(4));
  }

  peekUint32(): number {
    const value = this.uint32();
    this.position -= 4;
    return value;
  }

  uint64(): number {
    const value = this.#bytes.readBigUInt64LE(this.#advance(8));
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw malformed("a length in it is impossibly large");
    return Number(value);
  }

  count(what: string, most: number): number {
    const value = this.uint64();
    if (value > most) throw malformed(`it declares ${value} ${what}, more than ${most}`);
    return value;
  }

  /** A short string: a key or a name. Longer values are skipped, never decoded. */
  string(): string {
    return this.text(this.count("bytes in a name", NAME_BYTES_MAX));
  }

  skipValue(type: number): void {
    if (type === GGUF_TYPES.string) this.#advance(this.uint64());
    else if (type === GGUF_TYPES.array) this.#skipArray();
    else this.#advance(valueBytes(type));
  }

  #skipArray(): void {
    const type = this.uint32();
    const length = this.uint64();
    if (type === GGUF_TYPES.array) throw malformed("an array of arrays is not supported");
    if (type !== GGUF_TYPES.string) {
      this.#advance(length * valueBytes(type));
      return;
    }
    for (let index = 0; index < length; index += 1) this.#advance(this.uint64());
  }

  #advance(length: number): number {
    const start = this.position;
    if (start + length > HEADER_BYTES_MAX) throw malformed(`its head is larger than ${HEADER_BYTES_MAX} bytes`);
    if (start + length > this.#bytes.length) throw new GgufHeaderCutError();
    this.position = start + length;
    return start;
  }
}

function readTensor(reader: GgufReader): GgufTensor {
  const name = reader.string();
  const dimensionCount = reader.uint32();
  if (dimensionCount < 1 || dimensionCount > DIMENSIONS_MAX) {
    throw malformed(`a tensor has ${dimensionCount} dimensions, not 1 to ${DIMENSIONS_MAX}`);
  }
  const dimensions = Array.from({ length: dimensionCount }, () => reader.uint64());
  return { name, dimensions, type: reader.uint32(), offsetBytes: reader.uint64() };
}

function checkAlignment(value: number): number {
  if (value < 8 || value > ALIGNMENT_BYTES_MAX || value % 8 !== 0) throw malformed(`its alignment is ${value}`);
  return value;
}

function valueBytes(type: number): number {
  const bytes = VALUE_BYTES[type];
  if (bytes === undefined || bytes === 0) throw malformed(`metadata type ${type} does not exist`);
  return bytes;
}

function malformed(reason: string): AiError {
  return new AiError("invalid_value", `The file is not a usable GGUF file: ${reason}.`);
}
