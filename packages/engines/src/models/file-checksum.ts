/** SHA-256 of files, read as a stream. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { PinnedFile } from "./catalogue.ts";

export interface ChecksumOptions {
  readonly signal: AbortSignal | undefined;
  readonly onProgress?: (readBytes: number) => void;
}

/** Lower-case hexadecimal SHA-256 of a file. */
async function checksumFile(path: string, options: ChecksumOptions): Promise<string> {
  const hash = createHash("sha256");
  let readBytes = 0;
  const stream = createReadStream(path, { highWaterMark: 1024 * 1024, signal: options.signal });
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    hash.update(chunk);
    readBytes += chunk.length;
    options.onProgress?.(readBytes);
  }
  return hash.digest("hex");
}

/** Whether the file at `path` exists and has exactly the pinned bytes. The size is compared first. */
export async function hasPinnedBytes(path: string, pin: PinnedFile, options: ChecksumOptions): Promise<boolean> {
  const sizeBytes = await fileSize(path);
  return sizeBytes === pin.sizeBytes && (await checksumFile(path, options)) === pin.sha256;
}

/** Size of a file in bytes; `null` when there is none. */
export async function fileSize(path: string): Promise<number | null> {
  const stats = await stat(path).catch(() => null);
  return stats?.isFile() === true ? stats.size : null;
}
