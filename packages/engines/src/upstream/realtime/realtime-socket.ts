/**
 * The messages of one open WebSocket, both ways at the pace of their readers: a reader that takes nothing stops the
 * connection, and a send is over when the connection has taken it. It knows no event.
 */

import type { RawData, WebSocket } from "ws";
import { UpstreamError } from "../upstream-error.ts";
import { toUpstreamError } from "./open-socket.ts";

export interface RealtimeSocketLimits {
  /** What is read ahead of the reader, in characters. */
  readonly readAheadBytesMax: number;
  /** For how long nothing may come after a ping, while the reader waits. A ping is sent after half of it. */
  readonly stallTimeoutMs: number;
}

export interface SocketClose {
  readonly code: number;
  readonly reason: string;
}

/** What one message costs to keep beside its text: many empty ones must not count as nothing. */
const MESSAGE_COST = 64;

export class RealtimeSocket {
  readonly #socket: WebSocket;
  readonly #limits: RealtimeSocketLimits;
  readonly #pulse: NodeJS.Timeout;
  #messages: string[] = [];
  #pendingCost = 0;
  #quietTicks = 0;
  #waiter: PromiseWithResolvers<void> | null = null;
  #closed: SocketClose | null = null;
  #failure: UpstreamError | null = null;

  /** @param socket an open one, paused, of which nothing has been read yet */
  constructor(socket: WebSocket, limits: RealtimeSocketLimits) {
    this.#socket = socket;
    this.#limits = limits;
    this.#pulse = setInterval(this.#onPulse, limits.stallTimeoutMs / 2);
    socket.on("message", this.#onMessage);
    socket.on("ping", this.#onSign);
    socket.on("pong", this.#onSign);
    socket.on("error", this.#onError);
    socket.on("close", this.#onClose);
    socket.resume();
  }

  /** @throws UpstreamError `broken` when it is closed */
  async send(text: string): Promise<void> {
    this.#throwIfOver();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#socket.send(text, (error) => (error ? reject(error) : resolve()));
    await promise.catch((error: Error) => {
      throw this.#failure ?? toUpstreamError(error, "broken");
    });
  }

  /**
   * The messages since the last call, at least one; the close when there are none left.
   *
   * @throws UpstreamError `broken`, `timeout`, `invalid`
   */
  async read(): Promise<readonly string[] | SocketClose> {
    for (;;) {
      if (this.#messages.length > 0) return this.#takeMessages();
      if (this.#failure !== null) throw this.#failure;
      if (this.#closed !== null) return this.#closed;
      this.#waiter ??= Promise.withResolvers<void>();
      await this.#waiter.promise;
    }
  }

  /** What still comes is dropped, until the upstream has confirmed it. */
  close(code: number): void {
    this.#socket.off("message", this.#onMessage);
    this.#socket.close(code);
    // The confirmation must be read.
    this.#socket.resume();
    this.#end(() => (this.#failure = new UpstreamError("broken", "The session was closed.")));
  }

  #takeMessages(): readonly string[] {
    const messages = this.#messages;
    this.#messages = [];
    this.#pendingCost = 0;
    this.#quietTicks = 0;
    this.#socket.resume();
    return messages;
  }

  readonly #onMessage = (data: RawData, isBinary: boolean): void => {
    this.#onSign();
    if (isBinary || !Buffer.isBuffer(data))
      return this.#fail(new UpstreamError("invalid", "A message was not a text."));
    const text = data.toString("utf8");
    this.#messages.push(text);
    this.#pendingCost += text.length + MESSAGE_COST;
    if (this.#pendingCost >= this.#limits.readAheadBytesMax) this.#socket.pause();
    this.#notify();
  };

  readonly #onSign = (): void => {
    this.#quietTicks = 0;
  };

  /** A reader that takes nothing has stopped the connection itself. */
  readonly #onPulse = (): void => {
    if (this.#socket.isPaused) return;
    this.#quietTicks += 1;
    if (this.#quietTicks > 2) this.#fail(new UpstreamError("timeout", "The session stalled: no ping was answered."));
    else this.#socket.ping();
  };

  readonly #onError = (error: Error): void => {
    const isMalformed = "code" in error && String(error.code).startsWith("WS_ERR_");
    this.#fail(toUpstreamError(error, isMalformed ? "invalid" : "broken"));
  };

  readonly #onClose = (code: number, reason: Buffer): void => {
    this.#end(() => {
      if (code === NO_CLOSE_FRAME) this.#failure = new UpstreamError("broken", "The connection was lost.");
      else this.#closed = { code: code === NO_CODE ? NORMAL : code, reason: reason.toString("utf8") };
    });
  };

  #fail(failure: UpstreamError): void {
    this.#end(() => (this.#failure = failure));
    this.#socket.terminate();
  }

  #end(mark: () => void): void {
    if (this.#failure !== null || this.#closed !== null) return;
    clearInterval(this.#pulse);
    mark();
    this.#notify();
  }

  #throwIfOver(): void {
    if (this.#failure !== null) throw this.#failure;
    if (this.#closed !== null) throw new UpstreamError("broken", "The upstream has closed the session.");
  }

  #notify(): void {
    this.#waiter?.resolve();
    this.#waiter = null;
  }
}

/** @see https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1 */
const NORMAL = 1000;
const NO_CODE = 1005;
const NO_CLOSE_FRAME = 1006;
