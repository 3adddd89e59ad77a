/**
 * Opens realtime sessions: everything that can be refused is refused before the connection becomes a WebSocket, with a
 * status and OpenAI's error envelope. What happens in a session is not its business.
 */

import { AiError } from "@openai-compat/core";
import type { Authenticator } from "@openai-compat/core";
import type { ActiveSessions } from "../../../http/active-sessions.ts";
import type { BodyBudget } from "../../../http/body-budget.ts";
import { isAllowedOrigin } from "../../../http/cors.ts";
import { createSessionOpener } from "../../../http/open-call.ts";
import type { OpenedOperation, OpenedSession } from "../../../http/open-call.ts";
import type { RequestScope } from "../../../http/request-scope.ts";
import { openWebSocketConnection } from "../../../http/websocket-connection.ts";
import type { WebSocketConnection } from "../../../http/websocket-connection.ts";
import { readHandshake } from "../../../http/websocket-handshake.ts";
import { createWebSocketAcceptor } from "../../../http/websocket-upgrade.ts";
import type { WebSocketUpgrade } from "../../../http/websocket-upgrade.ts";
import { withinTime } from "../../../http/within-time.ts";
import { setRateLimitHeaders } from "../protocol/rate-limit-headers.ts";
import { BETA_ERROR, asksForBeta } from "./beta.ts";
import { CLOSE_CODES } from "./close-codes.ts";
import { decodeQuery } from "./decode-query.ts";
import { REALTIME_SUBPROTOCOL, findCredential } from "./find-credential.ts";
import { createSessionSlots } from "./session-slots.ts";
import type { RealtimeSettings } from "./settings.ts";

export interface RealtimeDependencies {
  readonly authenticator: Authenticator;
  readonly allowedOrigins: readonly string[];
  readonly settings: RealtimeSettings;
  /** Memory that messages share with the bodies of requests. */
  readonly bodies: BodyBudget;
  readonly sessions: ActiveSessions;
}

const OPERATION: OpenedOperation = {
  id: "connectRealtime",
  capability: { domain: "ai", can: "TRANSCRIBE" },
  shownAs: "GET /realtime",
};

/**
 * origin (403) → authenticate (401) → authorise (403) → the handshake (400, 426) → what the query says (400, 501) → a
 * slot for the session (429) → the WebSocket.
 */
export function createRealtimeOpener(dependencies: RealtimeDependencies) {
  const { settings, bodies, sessions } = dependencies;
  const accept = createWebSocketAcceptor({
    messageBytesMax: settings.messageBytesMax,
    subprotocol: REALTIME_SUBPROTOCOL,
  });
  const slots = createSessionSlots(settings);
  const open = createSessionOpener(dependencies.authenticator);

  async function authenticate(query: URLSearchParams, scope: RequestScope): Promise<OpenedSession> {
    checkOrigin(scope, dependencies.allowedOrigins);
    const { callId, requestId, facts, headers, controller } = scope;
    return open(OPERATION, {
      callId,
      requestId,
      token: findCredential(headers, query),
      signal: controller.signal,
      facts,
      onRateLimit: (kind, state) => setRateLimitHeaders(scope.answerHeaders, kind, state),
    });
  }

  function connect(upgrade: WebSocketUpgrade, accountId: string, requestId: string): WebSocketConnection {
    return openWebSocketConnection(accept(upgrade, { "x-request-id": requestId }), {
      transport: upgrade.socket,
      openShare: () => bodies.open(accountId),
      sendBytesMax: settings.sendBytesMax,
      pingMs: settings.pingMs,
    });
  }

  return async (request: Request, scope: RequestScope): Promise<Response> => {
    const query = new URL(request.url).searchParams;
    const { call, configuration } = await withinTime(authenticate(query, scope), settings.openTimeMsMax, {
      describe: tooLate,
    });
    const { upgrade } = scope;
    if (upgrade === null) throw noWebSocket();
    const subprotocols = readHandshake(scope.headers);
    decodeQuery(query, configuration !== null);
    const { accountId } = call.principal;
    const giveSlotBack = slots.take(accountId);
    try {
      if (!asksForBeta(scope.headers, subprotocols)) throw notServed();
      const connection = connect(upgrade, accountId, scope.requestId);
      const forget = sessions.add({ end: () => {}, abort: () => {}, terminate: () => connection.terminate() });
      void connection.closed.then(() => {
        forget();
        giveSlotBack();
      });
      connection.send(JSON.stringify(encodeBetaError()));
      connection.close(CLOSE_CODES.beta, BETA_ERROR.code);
    } catch (thrown) {
      giveSlotBack();
      throw thrown;
    }
    return new Response(null);
  };
}

function checkOrigin({ headers }: RequestScope, allowedOrigins: readonly string[]): void {
  const origin = headers.get("origin");
  if (origin === null || isAllowedOrigin(origin, allowedOrigins)) return;
  throw new AiError("origin_not_allowed", "Pages of this origin may not open sessions here.");
}

function tooLate(): AiError {
  const message = "The session could not be opened in time. Please try again.";
  return new AiError("identity_unavailable", message, { retryAfterMs: 1000 });
}

function noWebSocket(): AiError {
  return new AiError("invalid_request", "Sessions are WebSockets: connect to this URL with `ws:` or `wss:`.");
}

function notServed(): AiError {
  return new AiError("not_implemented", "This server has no model for realtime transcription.");
}

function encodeBetaError() {
  const error = { type: "invalid_request_error", ...BETA_ERROR, param: null, event_id: null };
  return { type: "error", event_id: `event_${crypto.randomUUID().replaceAll("-", "")}`, error };
}
