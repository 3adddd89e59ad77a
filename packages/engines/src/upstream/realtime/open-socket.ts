/** Opens one WebSocket at one base URL, or reads why it was refused. It retries nothing. */

import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { WebSocket } from "ws";
import { lookUpPublicHost } from "../public-address.ts";
import { readErrorText } from "../read-error.ts";
import { UpstreamError, type UpstreamErrorKind } from "../upstream-error.ts";

export interface SocketRequest {
  /** Scheme, host and port, of `http` or `https`. */
  readonly origin: string;
  /** With the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface SocketLimits {
  /** Until a connection is established. */
  readonly connectTimeoutMs: number;
  /** See the settings of an upstream. */
  readonly publicAddressesOnly: boolean;
  /** From then on until the answer to the upgrade. */
  readonly firstByteTimeoutMs: number;
  /** Until a refusal has been read. */
  readonly stallTimeoutMs: number;
  readonly headBytesMax: number;
  /** Of one message. */
  readonly eventBytesMax: number;
}

export type Upgrade =
  /** Paused. */
  | { readonly type: "open"; readonly socket: WebSocket }
  | {
      readonly type: "refused";
      readonly status: number;
      readonly headers: IncomingHttpHeaders;
      /** Null when it could not be read. */
      readonly body: string | null;
    };

/** How long the upstream may take to confirm that a session is closed. */
const CLOSE_TIMEOUT_MS = 1000;

/** @throws the signal's reason; UpstreamError `unreachable` when not one byte went out, `timeout`, `broken` */
export async function openSocket(
  { origin, path, headers }: SocketRequest,
  { limits, signal }: { readonly limits: SocketLimits; readonly signal: AbortSignal },
): Promise<Upgrade> {
  // Loading it takes time and memory that a server without upstreams should not spend.
  const { WebSocket } = await import("ws");
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<Upgrade>();
  const clock = createUpgradeClock(limits, reject);
  const options = {
    headers,
    perMessageDeflate: false,
    maxPayload: limits.eventBytesMax,
    maxHeaderSize: limits.headBytesMax,
    closeTimeout: CLOSE_TIMEOUT_MS,
    ...(limits.publicAddressesOnly && { lookup: lookUpPublicHost }),
    finishRequest: (request: ClientRequest) => clock.sendWhenConnected(request),
  };
  const socket = new WebSocket(`${origin.replace(/^http/, "ws")}${path}`, options);
  // Errors may come until it is closed, whoever still cares.
  socket.on("error", (error: Error) => reject(toUpstreamError(error, clock.isConnected() ? "broken" : "unreachable")));
  socket.once("open", () => {
    // What comes right behind the answer would find nobody.
    socket.pause();
    resolve({ type: "open", socket });
  });
  socket.once("unexpected-response", (request, response) => {
    clock.stop();
    readRefusal(request, response, limits).then(resolve, reject);
  });
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await promise;
  } catch (thrown) {
    socket.terminate();
    throw thrown;
  } finally {
    clock.stop();
    signal.removeEventListener("abort", onAbort);
  }
}

/** Only code and message: other fields of these errors may quote what was sent. */
export function toUpstreamError(error: Error, kind: UpstreamErrorKind): UpstreamError {
  return new UpstreamError(kind, "code" in error ? `${String(error.code)}: ${error.message}` : error.message);
}

/** The two times of an upgrade: until a connection is established, and until it is answered. */
function createUpgradeClock(
  { connectTimeoutMs, firstByteTimeoutMs }: SocketLimits,
  onTimeout: (error: UpstreamError) => void,
) {
  let isConnected = false;
  let timer: NodeJS.Timeout | undefined;

  function start(timeoutMs: number, kind: UpstreamErrorKind, message: string): void {
    clearTimeout(timer);
    timer = setTimeout(() => onTimeout(new UpstreamError(kind, message)), timeoutMs);
  }

  return {
    sendWhenConnected(request: ClientRequest): void {
      start(connectTimeoutMs, "unreachable", "No connection was established in time.");
      request.once("socket", (connection: Socket) => {
        connection.once(connection instanceof TLSSocket ? "secureConnect" : "connect", () => {
          isConnected = true;
          start(firstByteTimeoutMs, "timeout", "No answer came in time.");
        });
      });
      request.end();
    },
    isConnected: () => isConnected,
    stop: () => clearTimeout(timer),
  };
}

/** Of a compressed refusal, when it is decompressed. */
const REFUSAL_BYTES_MAX = 65_536;

async function readRefusal(
  request: ClientRequest,
  response: IncomingMessage,
  { stallTimeoutMs }: SocketLimits,
): Promise<Upgrade> {
  const { statusCode: status = 0, headers } = response;
  const timer = setTimeout(() => response.destroy(), stallTimeoutMs);
  const pieces = response[Symbol.asyncIterator]();
  const read = async (): Promise<readonly Uint8Array[] | null> => {
    try {
      const { done, value } = await pieces.next();
      return done === true ? null : [value];
    } catch {
      throw new UpstreamError("broken", "The refusal broke off.");
    }
  };
  try {
    return { type: "refused", status, headers, body: await readErrorText({ headers, read }, REFUSAL_BYTES_MAX) };
  } finally {
    clearTimeout(timer);
    request.destroy();
  }
}
