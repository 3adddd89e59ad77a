/** Where the process of a model takes the pieces of a recording, or of live audio, from. */

import { AiError } from "@openai-compat/core";
import { untilAborted } from "./until-aborted.ts";

interface Piece {
  /** Null: the end. */
  readonly samples: Float32Array | null;
  readonly onTaken: () => void;
  readonly onClosed: (error: AiError) => void;
}

/** Holds one piece until it is taken. */
export class SampleIntake {
  #piece: Piece | null = null;
  #onPut: () => void = () => {};

  /** @param samples null: the end */
  async put(samples: Float32Array | null, signal: AbortSignal): Promise<void> {
    if (this.#piece !== null) throw new Error("A piece was fed before the last one was taken.");
    const { promise: taken, resolve: onTaken, reject: onClosed } = Promise.withResolvers<void>();
    this.#piece = { samples, onTaken, onClosed };
    this.#onPut();
    await untilAborted(taken, signal);
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

  /** Nothing will be taken any more. */
  close(): void {
    this.#piece?.onClosed(new AiError("cancelled", "The transcription has ended."));
  }
}
