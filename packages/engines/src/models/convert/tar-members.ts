/**
 * Takes named files out of a gzipped tar archive (an npm package is one) and writes them one after the other into one
 * file. Names in the archive are compared, never used as paths.
 *
 * Format: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html (ustar)
 */
import { createReadStream } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { AiError } from "@openai-compat/core";

const TAR_BYTES_MAX = 2 * 1024 ** 3;

const BLOCK_BYTES = 512;
const NAME = { start: 0, end: 100 };
const SIZE = { start: 124, end: 136 };
const PREFIX = { start: 345, end: 500 };
const MAGIC = { start: 257, end: 262 };

export interface ExtractTarMembersOptions {
  readonly archivePath: string;
  /** In the order in which they are written. */
  readonly members: readonly { readonly name: string; readonly sizeBytes: number }[];
  /** Left half-written when this throws. */
  readonly targetPath: string;
  readonly signal: AbortSignal | undefined;
  /** Most bytes that the archive may unpack to. Default 2 GiB. */
  readonly unpackedBytesMax?: number;
}

/** @throws AiError `invalid_value` when the archive is damaged, lacks a member, or holds one of another size */
export async function extractTarMembers(options: ExtractTarMembersOptions): Promise<void> {
  const { archivePath, members, targetPath, signal, unpackedBytesMax = TAR_BYTES_MAX } = options;
  await using target = await open(targetPath, "w");
  const reader = new TarReader(target, { members, unpackedBytesMax });
  try {
    await pipeline(
      createReadStream(archivePath),
      createGunzip(),
      (chunks: AsyncIterable<Buffer>) => reader.read(chunks),
      signal === undefined ? {} : { signal },
    );
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (typeof code === "string" && code.startsWith("Z_")) throw damaged("its compressed data is broken");
    throw error;
  }
  reader.requireAll();
}

interface OpenMember {
  /** Of the target; null: the member is not wanted. */
  position: number | null;
  leftBytes: number;
  paddingBytes: number;
}

class TarReader {
  readonly #target: FileHandle;
  readonly #wanted = new Map<string, { readonly position: number; readonly sizeBytes: number }>();
  readonly #bytesMax: number;
  #header = Buffer.alloc(0);
  #member: OpenMember = { position: null, leftBytes: 0, paddingBytes: 0 };
  #readBytes = 0;

  constructor(
    target: FileHandle,
    { members, unpackedBytesMax }: Required<Pick<ExtractTarMembersOptions, "members" | "unpackedBytesMax">>,
  ) {
    this.#target = target;
    this.#bytesMax = unpackedBytesMax;
    let position = 0;
    for (const { name, sizeBytes } of members) {
      this.#wanted.set(name, { position, sizeBytes });
      position += sizeBytes;
    }
  }

  async read(chunks: AsyncIterable<Buffer>): Promise<void> {
    for await (const chunk of chunks) {
      this.#readBytes += chunk.length;
      if (this.#readBytes > this.#bytesMax) throw damaged("it unpacks to too many bytes");
      await this.#take(chunk);
    }
  }

  requireAll(): void {
    const missing = this.#member.leftBytes > 0 ? "the rest of a file" : this.#wanted.keys().next().value;
    if (missing !== undefined) throw damaged(`it holds no ${missing}`);
  }

  async #take(chunk: Buffer): Promise<void> {
    let rest = chunk;
    while (rest.length > 0) {
      const member = this.#member;
      if (member.leftBytes > 0) {
        const part = rest.subarray(0, member.leftBytes);
        if (member.position !== null) {
          await this.#target.write(part, 0, part.length, member.position);
          member.position += part.length;
        }
        member.leftBytes -= part.length;
        rest = rest.subarray(part.length);
      } else if (member.paddingBytes > 0) {
        const skipped = Math.min(member.paddingBytes, rest.length);
        member.paddingBytes -= skipped;
        rest = rest.subarray(skipped);
      } else {
        const taken = Math.min(BLOCK_BYTES - this.#header.length, rest.length);
        this.#header = Buffer.concat([this.#header, rest.subarray(0, taken)]);
        rest = rest.subarray(taken);
        if (this.#header.length === BLOCK_BYTES) this.#openMember();
      }
    }
  }

  #openMember(): void {
    const header = this.#header;
    this.#header = Buffer.alloc(0);
    if (header.every((byte) => byte === 0)) return;
    if (textOf(header, MAGIC) !== "ustar") throw damaged("a header is broken");
    const sizeText = textOf(header, SIZE).trim();
    if (!/^[0-7]{1,12}$/.test(sizeText)) throw damaged("a header is broken");
    const sizeBytes = Number.parseInt(sizeText, 8);
    const prefix = textOf(header, PREFIX);
    const name = `${prefix === "" ? "" : `${prefix}/`}${textOf(header, NAME)}`;
    const wanted = this.#wanted.get(name);
    if (wanted !== undefined && wanted.sizeBytes !== sizeBytes) {
      throw damaged(`the requested file has ${sizeBytes} bytes instead of ${wanted.sizeBytes}`);
    }
    this.#wanted.delete(name);
    const paddingBytes = (BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES;
    this.#member = { position: wanted?.position ?? null, leftBytes: sizeBytes, paddingBytes };
  }
}

function textOf(header: Buffer, { start, end }: { readonly start: number; readonly end: number }): string {
  const text = header.toString("utf8", start, end);
  const terminator = text.indexOf("\0");
  return terminator < 0 ? text : text.slice(0, terminator);
}

function damaged(reason: string): AiError {
  return new AiError("invalid_value", `the package's archive is not usable: ${reason}`);
}
