/**
 * A WebSocket as messages that are pulled: while one is worked on, at most one other is read from the network. What is
 * sent is bounded, a client that does not read is closed, and so is one that has disappeared. It knows no message.
 */

import type { Socket } from "node:net";
import { AiError } from "@openai-compat/core";
import type { WebSocket } from "ws";
import type { BodyShare } from "./body-budget.ts";
import type { Disconnect, DisconnectCause, ReceivedMessage, WebSocketConnection } from "./websocket.ts";

export interface WebSocketConnectionOptions {
  /** What the WebSocket runs on. */
  readonly transport: Socket;
  /** Called with each message, for what it takes of the memory until it has been worked on. */
  readonly openShare: () => BodyShare;
  /** What may wait to be read by the client, in bytes. */
  readonly sendBytesMax: number;
  /** How often a ping is sent. A client that has answered none, and sent nothing, by the next one is gone. */
  readonly pingMs: number;
  /**
   * Whether the network is read while a message is worked on, up to the next message: so a client that disconnects is
   * noticed. Default: false.
   */
  readonly readsAhead?: boolean;
}

/** How long a client may take to answer a close frame, and to read what was sent before. */
const CLOSE_TIME_MS_MAX = 2000;
const TRY_AGAIN_LATER = 1013;

export function openWebSocketConnection(socket: WebSocket, options: WebSocketConnectionOptions): WebSocketConnection {
  const { transport, openShare, sendBytesMax, pingMs, readsAhead = false } = options;
  const ending = new AbortController();
  let cause: DisconnectCause | null = null;
  let closeTimer: NodeJS.Timeout | null = null;

  /** The first cause counts. */
  function end(reason: DisconnectCause): void {
    cause ??= reason;
    ending.abort();
    inbox.end();
    closeTimer ??= setTimeout(() => socket.terminate(), CLOSE_TIME_MS_MAX);
  }

  function close(reason: DisconnectCause, code: number, text: string): void {
    if (cause !== null) return;
    end(reason);
    socket.close(code, text);
  }

  function isReading(): boolean {
    if (socket.bufferedAmount <= sendBytesMax) return true;
    close("slow-reader", TRY_AGAIN_LATER, "the client does not read what is sent");
    return false;
  }

  const inbox = createInbox(socket, {
    transport,
    openShare,
    readsAhead,
    onNoRoom: () => close("overload", TRY_AGAIN_LATER, "too many large messages at the moment"),
  });
  const pings = startPings(socket, { everyMs: pingMs, isReading });
  // The library has sent a close frame with the code of the fault, and closes.
  socket.on("error", () => end("protocol"));
  const closed = new Promise<Disconnect>((resolve) => {
    socket.on("close", (code) => {
      end(pings.isGone() ? "no-pong" : "client");
      pings.stop();
      inbox.release();
      if (closeTimer !== null) clearTimeout(closeTimer);
      resolve({ cause: cause ?? "client", code });
    });
  });
  return {
    messages: inbox.messages,
    send(text) {
      if (cause !== null) return;
      socket.send(text);
      isReading();
    },
    sendInTurn(text) {
      if (cause !== null) return Promise.resolve();
      // What fails to be sent ends the connection.
      return new Promise((resolve) => socket.send(text, { binary: false }, () => resolve()));
    },
    close: (code, reason) => close("server", code, reason),
    terminate() {
      end("server");
      socket.terminate();
    },
    closed,
    signal: ending.signal,
  };
}

interface PingOptions {
  readonly everyMs: number;
  /** Whether the client reads what is sent; where it does not, the connection has been closed by the question. */
  readonly isReading: () => boolean;
}

function startPings(socket: WebSocket, { everyMs, isReading }: PingOptions) {
  let isAlive = true;
  let isGone = false;
  const timer = setInterval(() => {
    if (!isReading()) return;
    // While nothing is read, no answer can be seen.
    if (!isAlive && !socket.isPaused) {
      isGone = true;
      socket.terminate();
      return;
    }
    isAlive = socket.isPaused;
    socket.ping();
  }, everyMs);
  timer.unref();
  const noteAlive = () => void (isAlive = true);
  socket.on("pong", noteAlive);
  socket.on("message", noteAlive);
  return { isGone: () => isGone, stop: () => clearInterval(timer) };
}

interface InboxOptions extends Pick<WebSocketConnectionOptions, "transport" | "openShare"> {
  readonly readsAhead: boolean;
  /** Called when what arrives has no room. */
  readonly onNoRoom: () => void;
}

/** Keeps what one chunk of the network brought, and pauses the reading until that has been taken. */
function createInbox(socket: WebSocket, { transport, openShare, readsAhead, onNoRoom }: InboxOptions) {
  const waiting: ReceivedMessage[] = [];
  let hasEnded = false;
  let wake = () => {};
  let waitingBytes = 0;
  let share = openShare();
  // Before the library's own listener, so that a message's last bytes have been counted when it is whole. What comes
  // while the connection closes is kept by the library too.
  transport.prependListener("data", (chunk: Buffer) => take(chunk.length));
  function take(bytes: number): void {
    try {
      share.take(bytes);
    } catch (thrown) {
      if (!(thrown instanceof AiError)) throw thrown;
      onNoRoom();
      discard();
    }
  }
  /** Nothing more reaches the library, the close frame of the client neither: its time to close ends the connection. */
  function discard(): void {
    transport.removeAllListeners("data");
    transport.on("data", () => {});
    transport.resume();
  }
  socket.on("message", (data, isBinary) => {
    if (hasEnded) return;
    const bytes = toBuffer(data);
    waitingBytes += bytes.length;
    waiting.push({ bytes, isBinary });
    socket.pause();
    wake();
  });
  /** While messages always wait, what was worked on must not count forever. */
  function recount(): void {
    share.release();
    share = openShare();
    take(waitingBytes);
  }
  async function* readMessages(): AsyncGenerator<ReceivedMessage, void> {
    for (;;) {
      const message = waiting.shift();
      if (message !== undefined) {
        waitingBytes -= message.bytes.length;
        if (readsAhead && waiting.length === 0) socket.resume();
        yield message;
        if (readsAhead && waiting.length > 0) recount();
      } else if (hasEnded) return;
      else {
        share.release();
        share = openShare();
        const arrived = new Promise<void>((resolve) => (wake = resolve));
        socket.resume();
        await arrived;
      }
    }
  }
  return {
    messages: readMessages(),
    end() {
      hasEnded = true;
      waiting.length = 0;
      waitingBytes = 0;
      // So that the close frame of the client is seen.
      socket.resume();
      wake();
    },
    /** The connection is gone, and with it what was kept of its messages. */
    release: () => share.release(),
  };
}

function toBuffer(data: Buffer | ArrayBuffer | Buffer[]): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}
