/** Live audio whose consumer can leave while none comes, and come back when some does. No piece is lost in between. */

import { untilAborted } from "../transcription/until-aborted.ts";

export class RestingAudio {
  readonly #iterator: AsyncIterator<Int16Array>;
  #next: Promise<IteratorResult<Int16Array>> | null = null;
  #samples = 0;

  constructor(audio: AsyncIterable<Int16Array>) {
    this.#iterator = audio[Symbol.asyncIterator]();
  }

  /** Samples that were taken. */
  get samples(): number {
    return this.#samples;
  }

  /** Resolves when a piece has come, or with false at the end. */
  async hasMore(signal: AbortSignal): Promise<boolean> {
    const { done } = await untilAborted(this.#ask(), signal);
    return done !== true;
  }

  /** Pieces until none has come for `restMs` while it may rest, or until the end. */
  async *take(restMs: number, mayRest: () => boolean): AsyncGenerator<Int16Array, void> {
    for (;;) {
      const next = await this.#wait(restMs);
      if (next === null) {
        if (mayRest()) return;
        continue;
      }
      if (next.done === true) return;
      this.#next = null;
      this.#samples += next.value.length;
      yield next.value;
    }
  }

  close(): void {
    // A source that waits for audio ends when its caller ends it.
    this.#iterator.return?.().catch(() => {});
  }

  #ask(): Promise<IteratorResult<Int16Array>> {
    if (this.#next === null) {
      this.#next = this.#iterator.next();
      // It is thrown where it is waited for.
      this.#next.catch(() => {});
    }
    return this.#next;
  }

  async #wait(timeMs: number): Promise<IteratorResult<Int16Array> | null> {
    const { promise: rested, resolve } = Promise.withResolvers<null>();
    const timer = setTimeout(() => resolve(null), timeMs);
    try {
      return await Promise.race([this.#ask(), rested]);
    } finally {
      clearTimeout(timer);
    }
  }
}
