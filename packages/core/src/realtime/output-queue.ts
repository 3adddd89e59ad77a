/** Events on their way to one reader. It is bounded: a reader that doesn't read is given up. */

export interface OutputQueue<Output> {
  /** Ignored after the last one. @returns whether there was room */
  push(output: Output): boolean;
  /** Nothing follows what is in the queue. */
  end(): void;
  readonly outputs: AsyncIterable<Output>;
}

export function createOutputQueue<Output>(countMax: number): OutputQueue<Output> {
  let queued: Output[] = [];
  let hasEnded = false;
  let wake: () => void = () => {};

  async function* iterate(): AsyncGenerator<Output, void> {
    for (;;) {
      const taken = queued;
      queued = [];
      yield* taken;
      if (queued.length > 0) continue;
      if (hasEnded) return;
      await new Promise<void>((resolve) => (wake = resolve));
    }
  }

  return {
    push(output) {
      if (hasEnded) return true;
      queued.push(output);
      wake();
      return queued.length <= countMax;
    },
    end() {
      hasEnded = true;
      wake();
    },
    outputs: { [Symbol.asyncIterator]: iterate },
  };
}
