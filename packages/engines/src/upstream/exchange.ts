/**
 * One request and its answer over one connection: timeouts, limits, backpressure and abort. It neither builds the
 * request nor parses the answer, and it retries nothing.
 */

import type { IncomingHttpHeaders } from "node:http";
import type { Dispatcher } from "undici";
import type { Connection } from "./connections.ts";
import { UpstreamError, type UpstreamErrorKind } from "./upstream-error.ts";

export interface ExchangeRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Pieces are sent one after the other, when the connection takes more; their headers name the length. */
  readonly body: string | Uint8Array | readonly Uint8Array[];
}

export interface ExchangeLimits {
  /** From sending until the first byte of the body. */
  readonly firstByteTimeoutMs: number;
  /** Between two pieces of the body, while a reader waits. */
  readonly stallTimeoutMs: number;
  readonly answerBytesMax: number;
  readonly readAheadBytesMax: number;
}

export interface ExchangeOptions {
  readonly limits: ExchangeLimits;
  readonly signal: AbortSignal;
  /**
   * Called when the signal aborts.
   *
   * @returns for how long the answer is still read, in milliseconds; 0 for not at all
   */
  readonly readOnMs: () => number;
  /** Called when the request is about to be written to an established connection. */
  readonly onSent: () => void;
}

export interface ExchangeAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /**
   * All pieces of the body since the last call, at least one; null at its end.
   *
   * @throws the signal's reason after an abort, when `readOnMs` have passed; UpstreamError `timeout`, `broken`,
   *   `invalid`
   */
  read(): Promise<readonly Uint8Array[] | null>;
  /**
   * The answer is complete for its reader: the rest is dropped, and the connection kept if it ends soon.
   */
  finish(): void;
  /** Closes the connection, unless the answer has ended. */
  leave(): void;
}

/** Limits, in time and bytes, of the rest of an answer that is complete for its reader. */
const TAIL_MS = 1000;
const TAIL_BYTES_MAX = 65_536;

/**
 * Sends a request and waits for the head of its answer; informational heads are skipped. The connection is released or
 * destroyed with the end of the exchange.
 *
 * @throws the signal's reason; UpstreamError `unreachable` when not one byte went out
 */
export async function openExchange(
  connection: Connection,
  request: ExchangeRequest,
  options: ExchangeOptions,
): Promise<ExchangeAnswer> {
  if (options.signal.aborted) {
    connection.release();
    throw options.signal.reason;
  }
  const { path, headers } = request;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- undici sends any iterable; its types leave them out
  const body = request.body as string | Uint8Array;
  const exchange = new Exchange(connection, options);
  connection.dispatch({ path, headers, body, method: "POST", headersTimeout: 0, bodyTimeout: 0 }, exchange);
  await exchange.waitForHead();
  return exchange;
}

class Exchange implements Dispatcher.DispatchHandler, ExchangeAnswer {
  status = 0;
  headers: IncomingHttpHeaders = {};
  readonly #connection: Connection;
  readonly #limits: ExchangeLimits;
  readonly #signal: AbortSignal;
  readonly #onSent: () => void;
  readonly #readOnMs: () => number;
  #controller: Dispatcher.DispatchController | null = null;
  #waiter: PromiseWithResolvers<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  /** Which of the times the timer has. A small answer comes with its head, and needs no second one. */
  #isStallTimed = false;
  #readingOn: NodeJS.Timeout | null = null;
  #chunks: Uint8Array[] = [];
  #chunkBytes = 0;
  #receivedBytes = 0;
  #tailBytes: number | null = null;
  #hasEnded = false;
  #isAborted = false;
  #failure: UpstreamError | null = null;

  constructor(connection: Connection, { limits, signal, onSent, readOnMs }: ExchangeOptions) {
    this.#connection = connection;
    this.#limits = limits;
    this.#signal = signal;
    this.#onSent = onSent;
    this.#readOnMs = readOnMs;
    signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  async waitForHead(): Promise<void> {
    while (this.status === 0) {
      this.#throwIfOver();
      await this.#nextEvent();
    }
    this.#throwIfAborted();
  }

  async read(): Promise<readonly Uint8Array[] | null> {
    for (;;) {
      this.#throwIfAborted();
      if (this.#chunks.length > 0) return this.#takeChunks();
      this.#throwIfOver();
      if (this.#hasEnded) return null;
      if (this.#receivedBytes > 0) this.#timeStall();
      await this.#nextEvent();
    }
  }

  finish(): void {
    if (this.#isOver()) return;
    this.#tailBytes = 0;
    this.#takeChunks();
    this.#setTimer(TAIL_MS);
    this.#timer?.unref();
  }

  leave(): void {
    if (!this.#isOver() && this.#tailBytes === null) this.#fail("broken", "The caller disconnected.");
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    this.#onSent();
    this.#setTimer(this.#limits.firstByteTimeoutMs);
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) return;
    this.status = status;
    this.headers = headers;
    this.#notify();
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    if (this.#tailBytes !== null) {
      this.#tailBytes += chunk.length;
      if (this.#tailBytes > TAIL_BYTES_MAX) this.#fail("broken", "The answer went on after its end.");
      return;
    }
    if (this.#isStallTimed) this.#timer?.refresh();
    this.#receivedBytes += chunk.length;
    if (this.#receivedBytes > this.#limits.answerBytesMax) {
      this.#fail("invalid", `The answer is longer than ${this.#limits.answerBytesMax} bytes.`);
      return;
    }
    this.#chunks.push(chunk);
    this.#chunkBytes += chunk.length;
    if (this.#chunkBytes >= this.#limits.readAheadBytesMax) controller.pause();
    this.#notify();
  }

  onResponseEnd(): void {
    if (this.#isOver()) return;
    this.#hasEnded = true;
    this.#settle();
    this.#connection.release();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#isOver()) return;
    // Only code and message: other fields of these errors quote the answer.
    const detail = "code" in error ? `${String(error.code)}: ${error.message}` : error.message;
    this.#failure = new UpstreamError(this.#controller === null ? "unreachable" : "broken", detail);
    this.#settle();
    this.#connection.release();
  }

  #isOver(): boolean {
    return this.#hasEnded || this.#failure !== null;
  }

  #throwIfAborted(): void {
    if (this.#isAborted) throw this.#signal.reason;
  }

  #throwIfOver(): void {
    this.#throwIfAborted();
    if (this.#failure !== null) throw this.#failure;
  }

  #takeChunks(): readonly Uint8Array[] {
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#chunkBytes = 0;
    if (this.#controller?.paused === true && !this.#isOver()) {
      this.#timer?.refresh();
      this.#controller.resume();
    }
    return chunks;
  }

  readonly #onAbort = (): void => {
    const readOnMs = this.#readOnMs();
    if (readOnMs > 0) this.#readingOn = setTimeout(this.#abort, readOnMs);
    else this.#abort();
  };

  readonly #abort = (): void => {
    this.#isAborted = true;
    this.#fail("broken", "The call was aborted.");
  };

  readonly #onTimeout = (): void => {
    if (this.#tailBytes !== null) this.#fail("broken", "The answer did not end.");
    else if (this.#chunks.length > 0 || this.#isBeforeStall()) this.#timer?.refresh();
    else this.#fail("timeout", this.#receivedBytes === 0 ? "No answer came in time." : "The answer stalled.");
  };

  /** No reader has waited for more than the first piece. */
  #isBeforeStall(): boolean {
    return this.#receivedBytes > 0 && !this.#isStallTimed;
  }

  /** The time runs while a reader waits for the next piece. */
  #timeStall(): void {
    if (this.#isStallTimed) return;
    this.#isStallTimed = true;
    this.#setTimer(this.#limits.stallTimeoutMs);
  }

  #setTimer(timeoutMs: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#onTimeout, timeoutMs);
  }

  /** Fails the exchange for an error that is detected on this side. */
  #fail(kind: UpstreamErrorKind, message: string): void {
    this.#failure = new UpstreamError(kind, message);
    this.#settle();
    this.#connection.destroy();
  }

  #settle(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#readingOn !== null) clearTimeout(this.#readingOn);
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#notify();
  }

  async #nextEvent(): Promise<void> {
    this.#waiter ??= Promise.withResolvers<void>();
    await this.#waiter.promise;
  }

  #notify(): void {
    this.#waiter?.resolve();
    this.#waiter = null;
  }
}
