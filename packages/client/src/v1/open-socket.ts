/**
 * Opens a WebSocket with a credential: in a header where the platform is Node.js or speaks its modules, and as a
 * subprotocol in browsers, which can send no header. It knows no message.
 */

import type { IncomingMessage } from "node:http";
import { ClientError } from "../client-error.ts";
import type { CallWatch } from "../http/call-watch.ts";
import { ERROR_BYTES_MAX, readErrorAnswer } from "../http/read-error.ts";

/** What browsers' sockets and those of `ws` have in common. */
export interface Socket {
  readonly bufferedAmount: number;
  send(text: string): void;
  close(code?: number): void;
  addEventListener(type: "open" | "error", listener: () => void): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: "close", listener: (event: { readonly code: number; readonly reason: string }) => void): void;
}

export interface SocketRequest {
  readonly url: string;
  /** Null where there is none. */
  readonly token: string | null;
  /** Browsers send none of them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly watch: CallWatch;
}

const SUBPROTOCOL = "realtime";
/** As the official SDK names it in browsers. */
const KEY_PREFIX = "openai-insecure-api-key.";
/** RFC 9110, `token`. */
const TOKEN = /^[!#$%&'*+.^_`|~\w-]+$/;

/**
 * Listens to a socket before anything can come: the first message may arrive together with the answer that opens it.
 *
 * @returns what the caller makes of it.
 */
export type Attach<Attached> = (socket: Socket) => Attached;

/** @returns what `attach` returned, when the socket is open. @throws ClientError */
export async function openSocket<Attached>(request: SocketRequest, attach: Attach<Attached>): Promise<Attached> {
  return isNodeLike() ? openWithHeaders(request, attach) : openWithSubprotocol(request, attach);
}

/** Bun and Deno say so too: they have the modules of Node.js. */
function isNodeLike(): boolean {
  const host: { readonly versions?: { readonly node?: string } } | undefined = Reflect.get(globalThis, "process");
  return host?.versions?.node !== undefined;
}

async function openWithHeaders<Attached>(
  { url, token, headers, watch }: SocketRequest,
  attach: Attach<Attached>,
): Promise<Attached> {
  const { WebSocket: NodeWebSocket } = await import("ws");
  const authorization = token === null ? {} : { authorization: `Bearer ${token}` };
  const socket = new NodeWebSocket(url, { headers: { ...headers, ...authorization } });
  // What it reports is in the rejections of `untilOpen` and in the session's own close.
  socket.on("error", () => {});
  const refused = new Promise<never>((_, reject) => {
    socket.on("unexpected-response", (_request, response) => {
      readRefusal(response, token)
        .then(reject, reject)
        .finally(() => socket.terminate());
    });
    socket.on("error", reject);
  });
  const attached = attach(socket);
  await untilOpen(socket, watch, refused);
  return attached;
}

/** For platforms whose sockets can send no header. */
export async function openWithSubprotocol<Attached>(
  { url, token, watch }: SocketRequest,
  attach: Attach<Attached>,
): Promise<Attached> {
  if (token !== null && !TOKEN.test(token)) {
    throw new ClientError({
      kind: "invalid-request",
      message: "The token holds a character that a browser can't send with a WebSocket.",
    });
  }
  const protocols = token === null ? [SUBPROTOCOL] : [SUBPROTOCOL, KEY_PREFIX + token];
  const socket = new WebSocket(url, protocols);
  const refused = new Promise<never>((_, reject) => {
    socket.addEventListener("error", () => {
      const message = "The WebSocket could not be opened. A browser doesn't say why: the server's log does.";
      reject(new ClientError({ kind: "connection", message, retryable: true }));
    });
  });
  const attached = attach(socket);
  await untilOpen(socket, watch, refused);
  return attached;
}

async function untilOpen(socket: Socket, watch: CallWatch, refused: Promise<never>): Promise<void> {
  const opened = new Promise<void>((resolve, reject) => {
    socket.addEventListener("open", () => resolve());
    socket.addEventListener("close", () => reject(new Error("the server closed it before it was open")));
    watch.signal.addEventListener("abort", () => reject(watch.signal.reason), { once: true });
  });
  try {
    // A refusal says more than the close that follows.
    await Promise.race([refused, opened]);
    watch.endWait();
  } catch (thrown) {
    socket.close();
    throw thrown;
  }
}

async function readRefusal(response: IncomingMessage, token: string | null): Promise<ClientError> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for await (const piece of response) {
    if (!(piece instanceof Uint8Array)) continue;
    pieces.push(new Uint8Array(piece));
    bytes += piece.length;
    if (bytes > ERROR_BYTES_MAX) break;
  }
  const headers = new Headers();
  for (const [name, value] of Object.entries(response.headers)) headers.set(name, String(value));
  return readErrorAnswer(new Response(new Blob(pieces), { status: response.statusCode ?? 500, headers }), token);
}
