/**
 * Opens the WebSockets of the native surface: what can be refused is refused before the connection becomes one, with a
 * status and an envelope. A page can set no header, so its credential may also come as the first message.
 */

import { AiError, toAiError } from "@openai-compat/core";
import type { Authenticator } from "@openai-compat/core";
import type { ActiveSessions } from "../../../http/active-sessions.ts";
import type { BodyBudget, BodyShare } from "../../../http/body-budget.ts";
import { checkPageOrigin } from "../../../http/cors.ts";
import type { JsonBounds } from "../../../http/json-values.ts";
import type { RequestScope } from "../../../http/request-scope.ts";
import { createSessionSlots } from "../../../http/session-slots.ts";
import type { SessionSlots } from "../../../http/session-slots.ts";
import { openWebSocketConnection } from "../../../http/websocket-connection.ts";
import { readHandshake } from "../../../http/websocket-handshake.ts";
import { createWebSocketAcceptor } from "../../../http/websocket-upgrade.ts";
import type { AcceptWebSocket } from "../../../http/websocket-upgrade.ts";
import type { WebSocketConnection } from "../../../http/websocket.ts";
import { withinTime } from "../../../http/within-time.ts";
import { findCredential } from "../../openai/realtime/find-credential.ts";
import { encodeNativeError } from "../map-error.ts";
import { decodeConnectionParams, parseMessage } from "./decode-message.ts";
import { SOCKET_CLOSE_CODES, answerPing, serveSocket } from "./serve-socket.ts";
import type { NativeSocketSettings } from "./settings.ts";
import type { SocketCallsOptions } from "./socket-calls.ts";

export interface NativeSocketDependencies extends Pick<
  SocketCallsOptions,
  "router" | "refusalLimit" | "reportError" | "observe"
> {
  readonly authenticator: Pick<Authenticator, "authenticate">;
  readonly allowedOrigins: readonly string[];
  readonly settings: NativeSocketSettings;
  /** Of the JSON of messages. */
  readonly bounds: JsonBounds;
  /** Memory that messages share with the bodies of requests. */
  readonly bodies: BodyBudget;
  readonly sessions: ActiveSessions;
}

/** What is answered to a client that offers it; keys are offered beside it. */
const NATIVE_SUBPROTOCOL = "trpc";
/** Of a message whose sender is not known yet. */
export const UNKNOWN_SENDER_BYTES_MAX = 64 * 1024;

/** origin (403) → the handshake (400, 426) → authenticate (401) → a slot (429) → the WebSocket. */
export function createNativeSocketOpener(dependencies: NativeSocketDependencies) {
  const opener = new SocketOpener(dependencies);
  return (request: Request, scope: RequestScope): Promise<Response> => opener.open(request, scope);
}

/** Who sends; null for one that has not said it yet. */
interface Sender {
  accountId: string | null;
}

class SocketOpener {
  readonly #dependencies: NativeSocketDependencies;
  readonly #slots: SessionSlots;
  /** Of those that have sent no credential yet, by their addresses. */
  readonly #waiting: SessionSlots;
  readonly #accept: AcceptWebSocket;

  constructor(dependencies: NativeSocketDependencies) {
    const { settings } = dependencies;
    const limits = { sessionsMax: settings.socketsMax, accountSessionsMax: settings.accountSocketsMax };
    this.#dependencies = dependencies;
    this.#slots = createSessionSlots({ ...limits, noun: "WebSockets" });
    this.#waiting = createSessionSlots({ ...limits, noun: "WebSockets without a credential" });
    this.#accept = createWebSocketAcceptor({
      messageBytesMax: settings.messageBytesMax,
      subprotocol: NATIVE_SUBPROTOCOL,
    });
  }

  async open(request: Request, scope: RequestScope): Promise<Response> {
    const { authenticator, allowedOrigins } = this.#dependencies;
    const query = new URL(request.url).searchParams;
    checkPageOrigin(scope.headers, allowedOrigins);
    const token = findCredential(scope.headers, query);
    if (scope.upgrade === null) {
      await authenticator.authenticate(token);
      throw noWebSocket();
    }
    readHandshake(scope.headers);
    if (query.get("connectionParams") === "1") {
      if (token !== null) await authenticator.authenticate(token);
      const giveSlotBack = this.#waiting.take(scope.peerAddress ?? "");
      const sender: Sender = { accountId: null };
      const connection = this.#connect(scope, sender, giveSlotBack);
      void this.#serveWithParams(connection, { scope, sender, token, giveSlotBack });
    } else {
      const served = await this.#admit(token);
      scope.facts.accountId = served.accountId;
      void this.#serve(this.#connect(scope, { accountId: served.accountId }, served.giveSlotBack), scope, served);
    }
    return new Response(null);
  }

  /** @param onFailure called where there is no WebSocket in the end */
  #connect(scope: RequestScope, sender: Sender, onFailure: () => void): WebSocketConnection {
    const { settings, bodies } = this.#dependencies;
    try {
      if (scope.upgrade === null) throw noWebSocket();
      return openWebSocketConnection(this.#accept(scope.upgrade, { "x-request-id": scope.requestId }), {
        transport: scope.upgrade.socket,
        openShare: () => (sender.accountId === null ? createSmallShare() : bodies.open(sender.accountId)),
        sendBytesMax: settings.sendBytesMax,
        pingMs: settings.pingMs,
      });
    } catch (thrown) {
      onFailure();
      throw thrown;
    }
  }

  async #admit(token: string | null): Promise<Served> {
    const { accountId } = await this.#dependencies.authenticator.authenticate(token);
    return { token, accountId, giveSlotBack: this.#slots.take(accountId) };
  }

  async #serve(connection: WebSocketConnection, scope: RequestScope, served: Served): Promise<void> {
    const { token, accountId, giveSlotBack } = served;
    const { authenticator, settings } = this.#dependencies;
    const { socketCallsMax: callsMax, credentialCheckMs } = settings;
    const authenticate = () => authenticator.authenticate(token);
    await serveSocket({
      ...this.#dependencies,
      connection,
      scope,
      authenticate,
      accountId,
      callsMax,
      credentialCheckMs,
    });
    scope.controller.abort();
    giveSlotBack();
  }

  /** Nothing is served before the first message, which may have the credential. It never rejects. */
  async #serveWithParams(connection: WebSocketConnection, waiting: Waiting): Promise<void> {
    const { scope, sender, giveSlotBack } = waiting;
    const { sessions, reportError } = this.#dependencies;
    const forget = sessions.add({
      end: () => connection.close(SOCKET_CLOSE_CODES.goingAway, "the server is shutting down"),
      abort: () => connection.terminate(),
      terminate: () => connection.terminate(),
    });
    try {
      const served = await this.#admitByMessage(connection, waiting.token);
      sender.accountId = served.accountId;
      scope.facts.accountId = served.accountId;
      // Before the connection is counted as one that is served.
      giveSlotBack();
      forget();
      await this.#serve(connection, scope, served);
    } catch (thrown) {
      const error = toAiError(thrown, connection.signal);
      reportError(error, scope);
      const place = { requestId: scope.requestId, path: null, isSubscription: false };
      connection.send(JSON.stringify({ id: null, error: encodeNativeError(error, place) }));
      connection.close(SOCKET_CLOSE_CODES.policy, "the credential was refused");
      await connection.closed;
      giveSlotBack();
      forget();
      scope.controller.abort();
    }
  }

  /** @throws AiError `request_timeout` for a message that does not come in time; what is wrong with it */
  #admitByMessage(connection: WebSocketConnection, ofHead: string | null): Promise<Served> {
    const { bounds, settings } = this.#dependencies;
    const admitted = readToken(connection, bounds).then((sent) => this.#admit(chooseToken(ofHead, sent)));
    return withinTime(admitted, settings.openTimeMsMax, {
      describe: () => new AiError("request_timeout", "The message with the credential did not come in time."),
      onLate: ({ giveSlotBack }) => giveSlotBack(),
    });
  }
}

interface Served {
  readonly token: string | null;
  readonly accountId: string;
  readonly giveSlotBack: () => void;
}

interface Waiting {
  readonly scope: RequestScope;
  /** Gets its account when that is known. */
  readonly sender: Sender;
  /** Of the head of the request; null where it had none. */
  readonly token: string | null;
  readonly giveSlotBack: () => void;
}

/** @throws AiError `invalid_request` for two that differ: one of them is not meant */
function chooseToken(ofHead: string | null, ofMessage: string | null): string | null {
  if (ofHead === null || ofMessage === null || ofHead === ofMessage) return ofMessage ?? ofHead;
  throw new AiError("invalid_request", "The connection has more than one credential: send one.");
}

/** @throws AiError */
async function readToken(connection: WebSocketConnection, bounds: JsonBounds): Promise<string | null> {
  const { signal } = connection;
  const messages = connection.messages[Symbol.asyncIterator]();
  for (let next = await messages.next(); next.done !== true; next = await messages.next()) {
    if (await answerPing(next.value, connection)) continue;
    return decodeConnectionParams(await parseMessage(next.value, { bounds, signal }));
  }
  throw new AiError("cancelled", "The client disconnected before it sent its credential.");
}

function createSmallShare(): BodyShare {
  let taken = 0;
  return {
    expect() {},
    take(bytes) {
      if (taken + bytes > UNKNOWN_SENDER_BYTES_MAX)
        throw new AiError("body_too_large", "The first message is too large.");
      taken += bytes;
    },
    bytes: () => taken,
    release() {},
  };
}

function noWebSocket(): AiError {
  return new AiError("invalid_request", "Name a procedure below this path, or connect with `ws:` or `wss:`.");
}
