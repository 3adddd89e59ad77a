/** Reads a file that somebody named on the command line, which may be any file: bounded, and as text. */

import { open } from "node:fs/promises";
import { ConfigurationError } from "./resolve-target.ts";

export interface ReadTextOptions {
  /** What the file is said to be, for messages: `baseline`. */
  readonly what: string;
  readonly bytesMax: number;
  /** What to do about a file that is not there, for its message. Default: nothing. */
  readonly adviceIfAbsent?: string;
}

const PIECE_BYTES = 64 * 1024;

/** @throws ConfigurationError for a file that can't be read, is too large, or is not UTF-8 */
export async function readTextFile(file: string, options: ReadTextOptions): Promise<string> {
  const { what, bytesMax, adviceIfAbsent = "" } = options;
  const bytes = await readPieces(file, options).catch((error: unknown) => {
    const advice = isAbsent(error) && adviceIfAbsent !== "" ? ` ${adviceIfAbsent}` : "";
    throw new ConfigurationError(`The ${what} ${file} can't be read: ${String(error)}.${advice}`, { cause: error });
  });
  if (bytes.byteLength > bytesMax) {
    throw new ConfigurationError(`The ${what} ${file} has more than ${bytesMax} bytes. Is it another file?`);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new ConfigurationError(`The ${what} ${file} is not UTF-8 text.`, { cause: error });
  }
}

export function isAbsent(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

/** At most one byte too many: a device has no size and no end, and a pipe gives its bytes in pieces. */
async function readPieces(file: string, { bytesMax }: ReadTextOptions): Promise<Uint8Array> {
  const handle = await open(file);
  try {
    const pieces: Uint8Array[] = [];
    let length = 0;
    while (length <= bytesMax) {
      const { bytesRead, buffer } = await handle.read(new Uint8Array(Math.min(PIECE_BYTES, bytesMax + 1 - length)));
      if (bytesRead === 0) break;
      pieces.push(buffer.subarray(0, bytesRead));
      length += bytesRead;
    }
    return Buffer.concat(pieces);
  } finally {
    await handle.close();
  }
}
