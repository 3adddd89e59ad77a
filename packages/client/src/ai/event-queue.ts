/** What comes by callbacks, as an async iterable. Nothing holds back a WebSocket, so it is bounded. */

import { ClientError } from "../client-error.ts";
import { createAbortError } from "../http/call-watch.ts";

/** Events that wait for the caller's loop; with more of them the subscription ends. */
export const EVENTS_WAITING_MAX = 100_000;

export class EventQueue<Event> {
  readonly #events: Event[] = [];
  readonly #signal: AbortSignal | null;
  readonly #onClose: () => void;
  readonly #abort: () => void;
  #isOpen = false;
  #isEnded = false;
  #isClosed = false;
  #failure: ClientError | null = null;
  #wake: () => void = () => {};

  /** @param onClose called once, when nothing more is requested */
  constructor(signal: AbortSignal | null, onClose: () => void) {
    this.#signal = signal;
    this.#onClose = onClose;
    this.#abort = () => this.fail(createAbortError(signal));
    if (signal?.aborted === true) this.#abort();
    else signal?.addEventListener("abort", this.#abort, { once: true });
  }

  /** Whether what may still come means nothing. */
  get isOver(): boolean {
    return this.#isEnded || this.#failure !== null;
  }

  /** The server has begun. */
  open(): void {
    this.#isOpen = true;
    this.#wake();
  }

  push(event: Event): void {
    if (this.isOver) return;
    if (this.#events.length < EVENTS_WAITING_MAX) this.#events.push(event);
    else this.fail(createOverflow());
    this.open();
  }

  /** Nothing comes any more, as it should be. */
  end(): void {
    this.#isEnded = true;
    this.open();
  }

  /** What came before is still read. After the end it means nothing. */
  fail(error: ClientError): void {
    if (!this.#isEnded) this.#failure ??= error;
    this.#wake();
  }

  /** Resolves when the server has begun. @throws ClientError, of kind `timeout` where that takes longer */
  async opened(timeoutMs: number): Promise<void> {
    const message = `The server did not begin the subscription within ${timeoutMs} ms.`;
    const timer = setTimeout(
      () => this.fail(new ClientError({ kind: "timeout", message, retryable: true })),
      timeoutMs,
    );
    while (!this.#isOpen && this.#failure === null) await this.#change();
    clearTimeout(timer);
    if (this.#isOpen || this.#failure === null) return;
    this.close();
    throw this.#failure;
  }

  /** @throws ClientError */
  async *read(): AsyncGenerator<Event, void> {
    for (;;) {
      if (this.#signal?.aborted === true) throw createAbortError(this.#signal);
      const event = this.#events.shift();
      if (event !== undefined) yield event;
      else if (this.#failure !== null) throw this.#failure;
      else if (this.#isEnded) return;
      else await this.#change();
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#signal?.removeEventListener("abort", this.#abort);
    this.#isEnded = true;
    this.#onClose();
  }

  async #change(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }
}

function createOverflow(): ClientError {
  return new ClientError({
    kind: "connection",
    code: "too_slow",
    message: `More than ${EVENTS_WAITING_MAX} events wait to be read: the loop is slower than the server.`,
  });
}
