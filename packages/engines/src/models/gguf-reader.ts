/**
 * Reads the values of a GGUF file's head, one after the other. It never follows what the bytes say beyond their bounds,
 * and knows nothing of what the values mean.
 */
import type { FileHandle } from "node:fs/promises";
import { AiError } from "@openai-compat/core";
import { GGUF_MAGIC, GGUF_TYPES, GGUF_VERSION } from "./convert/gguf-writer.ts";

/** Most bytes that a head may take; a vocabulary of 256k words takes about 10 MB. */
const HEADER_BYTES_MAX = 64 * 1024 * 1024;
const METADATA_MAX = 65_536;
const TENSORS_MAX = 65_536;
const NAME_BYTES_MAX = 1024;
/** Layers of a model are counted in dozens; a vocabulary is never read as numbers. */
const NUMBERS_MAX = 4096;
const FIRST_READ_BYTES = 4 * 1024 * 1024;
/** Bytes of a value of each metadata type, by type number; strings (8) and arrays (9) say their own length. */
const VALUE_BYTES = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];

/** By the same numbers. */
const NUMBER_READERS: readonly (((bytes: Buffer, at: number) => number) | undefined)[] = [
  (bytes, at) => bytes.readUInt8(at),
  (bytes, at) => bytes.readInt8(at),
  (bytes, at) => bytes.readUInt16LE(at),
  (bytes, at) => bytes.readInt16LE(at),
  (bytes, at) => bytes.readUInt32LE(at),
  (bytes, at) => bytes.readInt32LE(at),
  (bytes, at) => bytes.readFloatLE(at),
  (bytes, at) => bytes.readUInt8(at),
  undefined,
  undefined,
  (bytes, at) => Number(bytes.readBigUInt64LE(at)),
  (bytes, at) => Number(bytes.readBigInt64LE(at)),
  (bytes, at) => bytes.readDoubleLE(at),
];

/** The bytes end inside the head; with more of the file it may be whole. */
export class GgufHeaderCutError extends AiError {
  /** How long the file has to be at least. */
  readonly endBytes: number;

  constructor(endBytes: number) {
    super("invalid_value", "The GGUF file is damaged: it ends inside its head.");
    this.endBytes = endBytes;
  }
}

/**
 * Reads as much of a file as its head needs: most heads fit the first read, a larger one is read again with twice the
 * bytes.
 *
 * @param decode throws GgufHeaderCutError when it needs more; then it is called again
 * @throws GgufHeaderCutError for a head that is longer than its file: no reader can make sense of that
 */
export async function decodeGgufFile<Decoded>(
  source: FileHandle,
  sizeBytes: number,
  decode: (bytes: Buffer) => Decoded,
): Promise<Decoded> {
  for (let bytes = FIRST_READ_BYTES; ; bytes *= 2) {
    const length = Math.min(bytes, sizeBytes, HEADER_BYTES_MAX);
    const start = Buffer.alloc(length);
    const { bytesRead } = await source.read(start, 0, length, 0);
    try {
      return decode(start.subarray(0, bytesRead));
    } catch (error) {
      if (!(error instanceof GgufHeaderCutError) || error.endBytes > sizeBytes) throw error;
      if (bytes >= HEADER_BYTES_MAX) throw malformedGguf(`its head is larger than ${HEADER_BYTES_MAX} bytes`);
    }
  }
}

export class GgufReader {
  position = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** The magic, the version and the counts. */
  start(): { readonly tensorCount: number; readonly metadataCount: number } {
    if (this.text(4) !== GGUF_MAGIC) throw malformedGguf("it does not start as one");
    const version = this.uint32();
    if (version !== GGUF_VERSION) throw malformedGguf(`version ${version} is not supported, only ${GGUF_VERSION}`);
    return {
      tensorCount: this.count("tensors", TENSORS_MAX),
      metadataCount: this.count("metadata entries", METADATA_MAX),
    };
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
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw malformedGguf("a length in it is impossibly large");
    return Number(value);
  }

  count(what: string, most: number): number {
    const value = this.uint64();
    if (value > most) throw malformedGguf(`it declares ${value} ${what}, more than ${most}`);
    return value;
  }

  /** A short string: a key or a name. Longer values are skipped, never decoded. */
  string(): string {
    return this.text(this.count("bytes in a name", NAME_BYTES_MAX));
  }

  /**
   * A number, a bool or a short array of them; empty for anything else, which is skipped. `count` is how long it is.
   */
  numbers(type: number): { readonly numbers: readonly number[]; readonly count: number } {
    if (type === GGUF_TYPES.string) {
      this.skipValue(type);
      return { numbers: [], count: 1 };
    }
    if (type !== GGUF_TYPES.array) return { numbers: [this.#number(type)], count: 1 };
    const start = this.position;
    const itemType = this.uint32();
    const count = this.uint64();
    if (itemType !== GGUF_TYPES.string && itemType !== GGUF_TYPES.array && count <= NUMBERS_MAX) {
      return { numbers: Array.from({ length: count }, () => this.#number(itemType)), count };
    }
    this.position = start;
    this.skipValue(type);
    return { numbers: [], count };
  }

  #number(type: number): number {
    const bytes = this.#bytes;
    const at = this.#advance(valueBytes(type));
    const read = NUMBER_READERS[type];
    return read === undefined ? Number.NaN : read(bytes, at);
  }

  skipValue(type: number): void {
    if (type === GGUF_TYPES.string) this.#advance(this.uint64());
    else if (type === GGUF_TYPES.array) this.#skipArray();
    else this.#advance(valueBytes(type));
  }

  #skipArray(): void {
    const type = this.uint32();
    const length = this.uint64();
    if (type === GGUF_TYPES.array) throw malformedGguf("an array of arrays is not supported");
    if (type !== GGUF_TYPES.string) {
      this.#advance(length * valueBytes(type));
      return;
    }
    for (let index = 0; index < length; index += 1) this.#advance(this.uint64());
  }

  #advance(length: number): number {
    const start = this.position;
    if (start + length > this.#bytes.length) throw new GgufHeaderCutError(start + length);
    this.position = start + length;
    return start;
  }
}

function valueBytes(type: number): number {
  const bytes = VALUE_BYTES[type];
  if (bytes === undefined || bytes === 0) throw malformedGguf(`metadata type ${type} does not exist`);
  return bytes;
}

export function malformedGguf(reason: string): AiError {
  return new AiError("invalid_value", `The file is not a usable GGUF file: ${reason}.`);
}
