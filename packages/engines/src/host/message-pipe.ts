/**
 * Messages over a pipe between two processes, each structured-cloned in a frame of its own. Unlike the channel of Node.js, it survives
 * whatever comes through the pipe: native code may write to any descriptor, and what is no frame must not end the other process.
 */

import type { Duplex } from "node:stream";
import { deserialize, serialize } from "node:v8";
import { crc32 } from "node:zlib";

/** Its file descriptor in the process; the first ones are those of all processes. */
export const MESSAGE_PIPE = 3;

/** Of a frame: what it begins with, the bytes of its message, and their checksum. */
const HEAD_BYTES = 12;
const MAGIC = 0x6d_73_67_31;

/** The largest is a body of a request, as text. */
export const MESSAGE_BYTES_MAX = 256 * 1024 * 1024;

export interface MessagePipeOptions {
  readonly onMessage: (message: unknown) => void;
  /** Called once, with a sentence, when something came that is no message. Nothing is read after it. */
  readonly onBroken: (reason: string) => void;
}

/** @throws Error for what can't be cloned, or is too large */
export function sendMessage(pipe: Duplex, message: unknown): void {
  const bytes = serialize(message);
  if (bytes.length > MESSAGE_BYTES_MAX) throw new Error(`A message has more than ${MESSAGE_BYTES_MAX} bytes.`);
  const head = Buffer.allocUnsafe(HEAD_BYTES);
  head.writeUInt32BE(MAGIC, 0);
  head.writeUInt32BE(bytes.length, 4);
  head.writeUInt32BE(crc32(bytes), 8);
  pipe.cork();
  pipe.write(head);
  pipe.write(bytes);
  pipe.uncork();
}

/** Reads the pipe from now on. The caller listens for its errors and its end. */
export function receiveMessages(pipe: Duplex, { onMessage, onBroken }: MessagePipeOptions): void {
  const reader = new FrameReader();
  const onData = (chunk: Buffer): void => {
    try {
      for (const message of reader.read(chunk)) onMessage(message);
    } catch (thrown) {
      if (!(thrown instanceof BrokenFrameError)) throw thrown;
      pipe.off("data", onData);
      // What comes after it is not kept.
      pipe.resume();
      onBroken(thrown.message);
    }
  };
  pipe.on("data", onData);
}

class BrokenFrameError extends Error {
  override readonly name = "BrokenFrameError";
}

class FrameReader {
  #chunks: Buffer[] = [];
  #held = 0;
  /** Of the frame that is being read; null: its head has not come yet. */
  #head: { readonly bytes: number; readonly checksum: number } | null = null;

  /** Each message is taken before the next one is looked at. @throws BrokenFrameError */
  *read(chunk: Buffer): Generator<unknown, void> {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    for (;;) {
      if (this.#head === null) {
        if (this.#held < HEAD_BYTES) return;
        this.#head = readHead(this.#take(HEAD_BYTES));
      }
      const { bytes, checksum } = this.#head;
      if (this.#held < bytes) return;
      this.#head = null;
      yield readMessage(this.#take(bytes), checksum);
    }
  }

  #take(count: number): Buffer {
    const [first] = this.#chunks;
    const joined = this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks, this.#held);
    this.#chunks = joined.length === count ? [] : [joined.subarray(count)];
    this.#held -= count;
    return joined.subarray(0, count);
  }
}

function readHead(head: Buffer): { readonly bytes: number; readonly checksum: number } {
  const bytes = head.readUInt32BE(4);
  if (head.readUInt32BE(0) !== MAGIC) throw new BrokenFrameError("it sent something that is no message");
  if (bytes > MESSAGE_BYTES_MAX) throw new BrokenFrameError(`it sent a message of ${bytes} bytes`);
  return { bytes, checksum: head.readUInt32BE(8) };
}

function readMessage(bytes: Buffer, checksum: number): unknown {
  if (crc32(bytes) !== checksum) throw new BrokenFrameError("it sent a message that is damaged");
  try {
    return deserialize(bytes);
  } catch (thrown) {
    throw new BrokenFrameError("it sent a message that can't be read", { cause: thrown });
  }
}
