/** Writes a file piece by piece and says what it must be pinned by. */
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";

export interface WriteOptions {
  /** Overwritten when it exists; left half-written when this throws. */
  readonly targetPath: string;
  readonly signal?: AbortSignal;
  /** Called after each piece with the bytes written so far and in the end. */
  readonly onProgress?: (writtenBytes: number, totalBytes: number) => void;
}

export interface WrittenFile {
  readonly sizeBytes: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

/** @throws what the pieces throw, and the signal's reason */
export async function writePinnableFile(
  { targetPath, signal, onProgress }: WriteOptions,
  { pieces, totalBytes }: { readonly pieces: AsyncIterable<Uint8Array>; readonly totalBytes: number },
): Promise<WrittenFile> {
  await using target = await open(targetPath, "w");
  const hash = createHash("sha256");
  let sizeBytes = 0;
  for await (const bytes of pieces) {
    signal?.throwIfAborted();
    hash.update(bytes);
    await target.appendFile(bytes);
    sizeBytes += bytes.length;
    onProgress?.(sizeBytes, totalBytes);
  }
  await target.sync();
  return { sizeBytes, sha256: hash.digest("hex") };
}
