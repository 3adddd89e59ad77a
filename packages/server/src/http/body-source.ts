/** Where the bytes of a body come from: the socket's request, or a request that has no socket. Nothing is kept here. */

import type { IncomingMessage } from "node:http";

export interface BodySource {
  /**
   * The body, where all of it is here already and nobody has begun to read it. Nothing is read after that.
   *
   * @returns null for one that is empty, still coming, or known as a stream alone; else a promise of it, kept when what
   *   follows on the connection was looked at, and broken where the connection ends before
   */
  takeWhole(): Promise<Buffer> | null;
  /**
   * Resolves at the end of the body. It stops, and rejects, when the client stops sending, when `onChunk` throws and
   * when the signal aborts.
   *
   * @param onChunk called with each piece as it arrives. The piece belongs to it: nobody else holds it or writes to it.
   */
  read(onChunk: (chunk: Uint8Array) => void, signal: AbortSignal): Promise<void>;
}

/** What arrives after the reading has stopped is thrown away, so that the client gets to read why. */
export function createIncomingSource(incoming: IncomingMessage): BodySource {
  return {
    takeWhole() {
      const { headers, readableLength, readableFlowing, destroyed } = incoming;
      const isHere = readableLength > 0 && Number(headers["content-length"]) === readableLength;
      if (!isHere || readableFlowing !== null || destroyed) return null;
      const body: unknown = incoming.read();
      return Buffer.isBuffer(body) ? untilComplete(incoming, body) : null;
    },
    read: (onChunk, signal) =>
      new Promise((resolve, reject) => {
        const stop = () => {
          incoming.off("data", onData).off("end", onEnd).off("error", fail).off("close", onClose);
          signal.removeEventListener("abort", onAbort);
        };
        const fail = (reason: unknown) => {
          stop();
          reject(reason);
        };
        const onData = (chunk: Buffer) => {
          try {
            onChunk(chunk);
          } catch (thrown) {
            fail(thrown);
          }
        };
        const onEnd = () => {
          stop();
          resolve();
        };
        const onClose = () => fail(closedEarly());
        const onAbort = () => fail(signal.reason);
        if (signal.aborted) reject(signal.reason);
        else if (incoming.destroyed && !incoming.readableEnded) onClose();
        else {
          signal.addEventListener("abort", onAbort, { once: true });
          incoming.on("error", fail).on("close", onClose).on("end", onEnd).on("data", onData);
        }
      }),
  };
}

/**
 * Node.js hands out the last piece of a body before it looks at what follows. If that is garbage, it ends the
 * connection with a 400, which would be a second answer to a request that was answered at once.
 */
async function untilComplete(incoming: IncomingMessage, body: Buffer): Promise<Buffer> {
  await new Promise<void>((resolve, reject) => {
    const settle = () => (incoming.complete ? resolve() : reject(closedEarly()));
    incoming.once("end", settle).once("close", settle);
    // So that it ends.
    incoming.resume();
  });
  return body;
}

function closedEarly(): Error {
  return new Error("The connection closed before the body was complete.");
}

export function createRequestSource(request: Request): BodySource {
  return {
    takeWhole: () => null,
    async read(onChunk, signal) {
      if (request.body === null) return;
      signal.throwIfAborted();
      const reader = request.body.getReader();
      // A reader that is cancelled ends the pending read; what it says to the cancelling itself is of no use to
      // anybody.
      const cancel = () => void reader.cancel().catch(() => {});
      signal.addEventListener("abort", cancel, { once: true });
      try {
        for (;;) {
          const { done, value } = await reader.read();
          signal.throwIfAborted();
          if (done) return;
          // Whoever made the request may hold on to what its stream gave.
          onChunk(value.slice());
        }
      } catch (thrown) {
        cancel();
        throw thrown;
      } finally {
        signal.removeEventListener("abort", cancel);
      }
    },
  };
}
