/** Where the process of a model takes the pieces of a recording from. */

import { AiError } from "@openai-compat/core";

/** Holds one piece of a recording until it is taken. */
export class SampleIntake {
  #piece: { readonly samples: Float32Array | null; readonly onTaken: () => void } | null = null;
  #onPut: () => void = () => {};
  readonly #closed = new AbortController();

  /** @param samples null: the end */
  async put(samples: Float32Array | null, signal: AbortSignal): Promise<void> {
    if (this.#piece !== null) throw new Error("A piece was fed before the last one was taken.");
    const taken = Promise.withResolvers<void>();
    this.#piece = { samples, onTaken: taken.resolve };
    this.#onPut();
    await untilAborted(taken.promise, AbortSignal.any([signal, this.#closed.signal]));
  }

  async take(signal: AbortSignal): Promise<Float32Array | null> {
    if (this.#piece === null) {
      const put = Promise.withResolvers<void>();
      this.#onPut = put.resolve;
      await untilAborted(put.promise, signal);
    }
    const piece = this.#piece;
    this.#piece = null;
    piece?.onTaken();
    return piece?.samples ?? null;
  }

  close(): void {
    this.#closed.abort(new AiError("cancelled", "The transcription has ended."));
  }
}

async function untilAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
