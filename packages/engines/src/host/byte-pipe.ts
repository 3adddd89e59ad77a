/**
 * A pipe from the server to the process of a native model for files: their bytes cross it as they are, no faster than
 * they are read there, and without a copy in the server, as a message would be.
 */

import { Socket } from "node:net";
import type { Writable } from "node:stream";

/** Its file descriptor in the process; the first ones are those of all processes, and the messages. */
export const BYTE_PIPE = 4;

/** Read at a time. */
const CHUNK_BYTES = 65_536;

/**
 * Resolves when the system has taken all bytes, and also when the process has closed the pipe: whoever waits for its
 * answer learns that. After an abort the process doesn't know any more where the next file begins.
 *
 * @throws the signal's reason
 */
export async function writePieces(pipe: Writable, pieces: readonly Uint8Array[], signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<never>();
  aborted.promise.catch(() => {});
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    for (const piece of pieces) {
      signal.throwIfAborted();
      const written = new Promise<void>((resolve) => pipe.write(piece, () => resolve()));
      await Promise.race([written, aborted.promise]);
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

export interface ByteReader {
  /** The next bytes of the pipe, when so many have come. One call at a time. */
  read(count: number): Promise<Uint8Array>;
}

/** @param descriptor of the pipe in this process. Default: where the server puts it. */
export function openByteReader(descriptor = BYTE_PIPE): ByteReader {
  let file = new Uint8Array(0);
  let filled = 0;
  /** What came before it was asked for. */
  let early: Uint8Array = new Uint8Array(0);
  let onFilled = (): void => {};

  const take = (bytes: Uint8Array): boolean => {
    const part = bytes.subarray(0, file.length - filled);
    file.set(part, filled);
    filled += part.length;
    early = bytes.slice(part.length);
    if (filled === file.length) onFilled();
    return early.length === 0;
  };
  const socket = new Socket({
    fd: descriptor,
    readable: true,
    writable: false,
    onread: {
      buffer: Buffer.allocUnsafeSlow(CHUNK_BYTES),
      callback: (count, buffer) => take(buffer.subarray(0, count)),
    },
  });
  // The server has gone, and this process ends with it.
  socket.on("error", () => {});
  return {
    async read(count) {
      const whole = Promise.withResolvers<void>();
      onFilled = whole.resolve;
      file = new Uint8Array(count);
      filled = 0;
      if (take(early)) socket.resume();
      await whole.promise;
      const read = file;
      file = new Uint8Array(0);
      filled = 0;
      return read;
    },
  };
}
