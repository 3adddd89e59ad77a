/** Events of a turn on their way to its consumer. How much was heard is one number, however slowly it is consumed. */

import type { LiveEvent } from "@openai-compat/core";

/** How much more was heard before it is said again, in milliseconds. */
const HEARD_STEP_MS = 500;
/** A consumer that is so far behind is waited for. */
const EVENTS_MAX = 64;

export class LiveOutbox {
  readonly #events: LiveEvent[] = [];
  #heardMs = 0;
  #reportedMs = 0;
  #isClosed = false;
  #wake: () => void = () => {};
  #onTaken: () => void = () => {};

  /** Resolves when there is room for the next one, or at the end. */
  async put(event: LiveEvent): Promise<void> {
    this.#events.push(event);
    this.#wake();
    while (this.#events.length >= EVENTS_MAX && !this.#isClosed)
      await new Promise<void>((resolve) => (this.#onTaken = resolve));
  }

  hear(heardMs: number): void {
    this.#heardMs = heardMs;
    this.#wake();
  }

  /** What was put is still read. */
  close(): void {
    this.#isClosed = true;
    this.#wake();
    this.#onTaken();
  }

  async *read(): AsyncGenerator<LiveEvent, void> {
    for (;;) {
      const event = this.#events.shift();
      const isHeardDue = this.#heardMs - this.#reportedMs >= (this.#isClosed ? 1 : HEARD_STEP_MS);
      if (event !== undefined) {
        this.#onTaken();
        yield event;
      } else if (isHeardDue) {
        this.#reportedMs = this.#heardMs;
        yield { type: "heard", heardMs: this.#heardMs };
      } else if (this.#isClosed) {
        return;
      } else {
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    }
  }
}
