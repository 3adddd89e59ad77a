/**
 * One run of a resumable subscription: its work, which goes on while its reader is away, and its events. A run has one
 * reader at a time. Who comes back in time goes on behind the last event that it has; after that the work is aborted.
 */

import { AiError, toAiError } from "@openai-compat/core";
import type { IdentifiedEvent } from "./native-handlers.ts";
import { RunBuffer } from "./run-buffer.ts";

export interface RunOptions {
  readonly id: string;
  readonly accountId: string;
  readonly bytesMax: number;
  /** How long a run waits for its reader to come back, and how long one that has ended is kept. */
  readonly resumeMs: number;
  /** Called once, when it can't be resumed any more. */
  readonly onForget: (run: SubscriptionRun) => void;
}

interface Reader {
  /** Its connection is gone, or it wants no more. */
  hasLeft: boolean;
}

export class SubscriptionRun {
  readonly id: string;
  readonly accountId: string;
  readonly #options: RunOptions;
  readonly #controller = new AbortController();
  readonly #buffer: RunBuffer<unknown>;
  /** Null while it runs. */
  #end: { readonly error: AiError | null } | null = null;
  #reader: Reader | null = null;
  #timer: NodeJS.Timeout | undefined;
  #isClosing = false;

  constructor(options: RunOptions) {
    this.id = options.id;
    this.accountId = options.accountId;
    this.#options = options;
    this.#buffer = new RunBuffer(options.bytesMax);
  }

  /** Of the work. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get hasEnded(): boolean {
    return this.#end !== null;
  }

  get bytes(): number {
    return this.#buffer.bytes;
  }

  /** Ends the work; its reader gets the reason. */
  abort(reason: AiError): void {
    this.#controller.abort(reason);
    this.#buffer.notify();
  }

  /** Called when the server stops: nobody can come back. */
  close(reason: AiError): void {
    this.#isClosing = true;
    if (this.#reader === null) this.abort(reason);
  }

  forget(): void {
    clearTimeout(this.#timer);
    this.#options.onForget(this);
  }

  /** Takes the events from the work, as far as there is room for them. It does not reject. */
  async pump(events: AsyncIterable<unknown>): Promise<void> {
    const iterator = events[Symbol.asyncIterator]();
    try {
      for (;;) {
        while (this.#buffer.isFull && !this.signal.aborted) await this.#buffer.changed;
        this.signal.throwIfAborted();
        const { done, value } = await iterator.next();
        if (done === true) break;
        this.#buffer.add(value);
      }
      this.finish(null);
    } catch (thrown) {
      this.finish(toAiError(thrown, this.signal));
      await iterator.return?.().catch(() => {});
    }
  }

  /** @param error why the work broke; null for its good end. */
  finish(error: AiError | null): void {
    this.#end = { error };
    this.#buffer.notify();
    this.#wait(() => this.forget());
  }

  /**
   * The events from a number on. Another reader ends.
   *
   * @param signal of the connection. Aborted with an `AiError` it ends the work with that; for any other reason the
   *   reader has lost its connection and may come back.
   * @throws AiError `subscription_lost` where they are not kept
   */
  read(from: number, signal: AbortSignal): AsyncIterableIterator<IdentifiedEvent<unknown>> {
    if (!this.#buffer.seek(from)) throw subscriptionLost();
    const reader: Reader = { hasLeft: false };
    this.#reader = reader;
    clearTimeout(this.#timer);
    const onAbort = () => this.#leave(reader, signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    this.#buffer.notify();
    const events: AsyncIterableIterator<IdentifiedEvent<unknown>> = {
      next: () => this.#next(reader),
      return: async () => {
        signal.removeEventListener("abort", onAbort);
        this.#leave(reader, null);
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]: () => events,
    };
    return events;
  }

  async #next(reader: Reader): Promise<IteratorResult<IdentifiedEvent<unknown>, undefined>> {
    for (;;) {
      const isReader = this.#reader === reader;
      // What was made before the work was aborted is sent before the reason.
      const next = isReader ? this.#buffer.take() : null;
      if (next !== null) return { value: { id: `${this.id}:${next.number}`, event: next.event } };
      if (reader.hasLeft) return { done: true, value: undefined };
      if (!isReader) throw subscriptionLost();
      if (this.#end !== null) {
        if (this.#end.error !== null) throw this.#end.error;
        return { done: true, value: undefined };
      }
      await this.#buffer.changed;
    }
  }

  #leave(reader: Reader, reason: unknown): void {
    if (this.#reader !== reader) return;
    if (reason instanceof AiError) {
      this.abort(reason);
      return;
    }
    reader.hasLeft = true;
    this.#reader = null;
    this.#buffer.notify();
    if (this.#end !== null) this.#wait(() => this.forget());
    else if (this.#isClosing || !this.#buffer.isRead) this.abort(leftAlone());
    else this.#wait(() => this.abort(leftAlone()));
  }

  #wait(then: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(then, this.#options.resumeMs);
    this.#timer.unref();
  }
}

function leftAlone(): AiError {
  return new AiError("cancelled", "The client of the subscription did not come back.");
}

export function subscriptionLost(): AiError {
  const message =
    "This subscription can't be continued: its server was restarted, it was away for too long, or another server has it. " +
    "Subscribe again without the id of an event.";
  return new AiError("subscription_lost", message);
}
