/** Events on their way to their one reader: whoever adds one can wait until it has been taken. It bounds nothing itself. */

export interface Handover<Event> {
  /** Resolves when the event has been taken, or nothing more is added. */
  add(event: Event): Promise<void>;
  /** Nothing is added any more; what is there is still taken. */
  end(): void;
  /** Once. Leaving it early drops what is there. */
  readonly events: AsyncIterable<Event>;
}

export function createHandover<Event>(): Handover<Event> {
  const waiting: { readonly event: Event; readonly onTaken: () => void }[] = [];
  let isOver = false;
  let wake = () => {};

  function end(): void {
    isOver = true;
    for (const { onTaken } of waiting) onTaken();
    wake();
  }

  async function* take(): AsyncGenerator<Event, void> {
    try {
      for (;;) {
        const next = waiting.shift();
        if (next !== undefined) {
          yield next.event;
          next.onTaken();
        } else if (isOver) return;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      end();
      waiting.length = 0;
    }
  }

  return {
    add(event) {
      if (isOver) return Promise.resolve();
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.push({ event, onTaken: resolve });
      wake();
      return promise;
    },
    end,
    events: take(),
  };
}
