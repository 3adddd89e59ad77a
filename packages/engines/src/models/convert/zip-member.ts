/**
 * Takes one named file out of a zip archive (a Python wheel is one). Names in the archive are compared, never used as
 * paths. No zip64, no encryption: archives of 4 GiB and more are refused.
 *
 * Format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */
import { createWriteStream } from "node:fs";
import { open, truncate, type FileHandle } from "node:fs/promises";
import { Transform, type TransformCallback } from "node:stream";
import { pipeline } from "node:stream/promises";
import { crc32, createInflateRaw, inflateRawSync } from "node:zlib";
import { AiError } from "@openai-compat/core";

/** Most bytes that an archive's directory may take. */
export const ZIP_DIRECTORY_BYTES_MAX = 8 * 1024 * 1024;

const END_RECORD_BYTES = 22;
const END_RECORD_SIGNATURE = Buffer.from("PK\u0005\u0006", "latin1");
/** The end record may be followed by a comment of up to 65,535 bytes. */
const TAIL_BYTES = END_RECORD_BYTES + 65_535;
const ENTRY_SIGNATURE = 0x02014b50;
const ENTRY_BYTES = 46;
const LOCAL_SIGNATURE = 0x04034b50;
const LOCAL_BYTES = 30;
const STORED = 0;
const DEFLATED = 8;
const ENCRYPTED_FLAG = 1;
const READ_BYTES = 1024 * 1024;

export interface ExtractZipMemberOptions {
  readonly archivePath: string;
  readonly memberName: string;
  /** Left half-written when this throws. */
  readonly targetPath: string;
  /** Bytes of the target that stay before the member; the rest is overwritten. Default 0. */
  readonly keptBytes?: number;
  /** The member's exact size. One that says or turns out otherwise is refused. */
  readonly sizeBytes: number;
  readonly signal: AbortSignal | undefined;
}

interface ZipEntry {
  readonly method: number;
  readonly flags: number;
  readonly checksum: number;
  readonly packedBytes: number;
  readonly sizeBytes: number;
  readonly localOffset: number;
}

export interface ZipReader extends AsyncDisposable {
  /** A member's bytes in memory. @throws as `extractZipMember`, and for a member that has more than `bytesMax` */
  read(memberName: string, bytesMax: number): Promise<Buffer>;
}

/** For archives of many small files. @throws AiError `invalid_value` when the archive is damaged */
export async function openZip(archivePath: string): Promise<ZipReader> {
  const archive = await open(archivePath, "r");
  let directory: Buffer;
  try {
    directory = await readDirectory(archive);
  } catch (error) {
    await archive.close();
    throw error;
  }
  return {
    async read(memberName, bytesMax) {
      const entry = findReadableEntry(directory, memberName);
      if (entry.sizeBytes > bytesMax) throw damaged(`${memberName} has ${entry.sizeBytes} bytes`);
      const packed = await readExactly(archive, await findStart(archive, entry), entry.packedBytes);
      const bytes = entry.method === STORED ? packed : inflate(packed, bytesMax);
      if (bytes.length === entry.sizeBytes && crc32(bytes) === entry.checksum) return bytes;
      throw damaged("the requested file does not match its checksum");
    },
    [Symbol.asyncDispose]: () => archive.close(),
  };
}

function inflate(packed: Buffer, bytesMax: number): Buffer {
  try {
    return inflateRawSync(packed, { maxOutputLength: bytesMax });
  } catch {
    throw damaged("its compressed data is broken");
  }
}

/** @throws AiError `invalid_value` when the archive is damaged, lacks the member, or holds one of another size */
export async function extractZipMember(options: ExtractZipMemberOptions): Promise<void> {
  await using archive = await open(options.archivePath, "r");
  const entry = findReadableEntry(await readDirectory(archive), options.memberName);
  if (entry.sizeBytes !== options.sizeBytes) {
    throw damaged(`the requested file has ${entry.sizeBytes} bytes instead of ${options.sizeBytes}`);
  }
  const start = await findStart(archive, entry);
  const checked = new CheckedBytes(options.sizeBytes);
  const packed = readRange(archive, start, entry.packedBytes);
  const { keptBytes = 0 } = options;
  if (keptBytes > 0) await truncate(options.targetPath, keptBytes);
  const target = createWriteStream(options.targetPath, keptBytes > 0 ? { flags: "a" } : {});
  const settings = options.signal === undefined ? {} : { signal: options.signal };
  try {
    if (entry.method === STORED) await pipeline(packed, checked, target, settings);
    else await pipeline(packed, createInflateRaw(), checked, target, settings);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (typeof code === "string" && code.startsWith("Z_")) throw damaged("its compressed data is broken");
    throw error;
  }
  if (checked.count !== entry.sizeBytes || checked.checksum !== entry.checksum) {
    throw damaged("the requested file does not match its checksum");
  }
}

function findReadableEntry(directory: Buffer, memberName: string): ZipEntry {
  const entry = findEntry(directory, memberName);
  if ((entry.flags & ENCRYPTED_FLAG) !== 0) throw damaged("the requested file is encrypted");
  if (entry.method !== STORED && entry.method !== DEFLATED) throw damaged(`compression ${entry.method} is unknown`);
  return entry;
}

/** Where the member's bytes begin. */
async function findStart(archive: FileHandle, { localOffset }: ZipEntry): Promise<number> {
  const local = await readExactly(archive, localOffset, LOCAL_BYTES);
  if (local.readUInt32LE(0) !== LOCAL_SIGNATURE) throw damaged("the requested file is not where the directory says");
  return localOffset + LOCAL_BYTES + local.readUInt16LE(26) + local.readUInt16LE(28);
}

/** Counts what passes, and stops a member that unpacks to more than it said. */
class CheckedBytes extends Transform {
  count = 0;
  checksum = 0;
  readonly #most: number;

  constructor(most: number) {
    super();
    this.#most = most;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.count += chunk.length;
    this.checksum = crc32(chunk, this.checksum);
    if (this.count > this.#most) done(damaged("the requested file unpacks to more bytes than it says"));
    else done(null, chunk);
  }
}

async function readDirectory(archive: FileHandle): Promise<Buffer> {
  const { size } = await archive.stat();
  const tailStart = Math.max(0, size - TAIL_BYTES);
  const tail = await readExactly(archive, tailStart, size - tailStart);
  const end = tail.lastIndexOf(END_RECORD_SIGNATURE);
  if (end < 0 || end + END_RECORD_BYTES > tail.length) throw damaged("its end record is missing");
  const directoryBytes = tail.readUInt32LE(end + 12);
  if (directoryBytes > ZIP_DIRECTORY_BYTES_MAX) throw damaged("its directory is too large");
  return readExactly(archive, tail.readUInt32LE(end + 16), directoryBytes);
}

function findEntry(directory: Buffer, memberName: string): ZipEntry {
  for (let at = 0; at + ENTRY_BYTES <= directory.length;) {
    if (directory.readUInt32LE(at) !== ENTRY_SIGNATURE) throw damaged("its directory is broken");
    const nameBytes = directory.readUInt16LE(at + 28);
    if (directory.toString("utf8", at + ENTRY_BYTES, at + ENTRY_BYTES + nameBytes) === memberName) {
      return {
        flags: directory.readUInt16LE(at + 8),
        method: directory.readUInt16LE(at + 10),
        checksum: directory.readUInt32LE(at + 16),
        packedBytes: directory.readUInt32LE(at + 20),
        sizeBytes: directory.readUInt32LE(at + 24),
        localOffset: directory.readUInt32LE(at + 42),
      };
    }
    at += ENTRY_BYTES + nameBytes + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  throw damaged(`it holds no ${memberName}`);
}

async function* readRange(archive: FileHandle, start: number, length: number): AsyncGenerator<Buffer> {
  for (let done = 0; done < length; done += READ_BYTES) {
    yield await readExactly(archive, start + done, Math.min(READ_BYTES, length - done));
  }
}

async function readExactly(archive: FileHandle, start: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  const { bytesRead } = await archive.read(bytes, 0, length, start);
  if (bytesRead !== length) throw damaged("it is cut");
  return bytes;
}

function damaged(reason: string): AiError {
  return new AiError("invalid_value", `the package's archive is not usable: ${reason}`);
}
