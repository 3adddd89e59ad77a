/**
 * Opens WebSockets for responses: what can be refused is refused before the connection becomes one, with a status and
 * the error envelope. What happens on it is not its business.
 */

import { AiError } from "@openai-compat/core";
import type { AiService } from "@openai-compat/core";
import { operations } from "@openai-compat/spec";
import { checkPageOrigin } from "../../../../http/cors.ts";
import { createSessionOpener } from "../../../../http/open-call.ts";
import type { OpenedSession } from "../../../../http/open-call.ts";
import type { RequestScope } from "../../../../http/request-scope.ts";
import { createSessionSlots } from "../../../../http/session-slots.ts";
import { openWebSocketConnection } from "../../../../http/websocket-connection.ts";
import { readHandshake } from "../../../../http/websocket-handshake.ts";
import { createWebSocketAcceptor } from "../../../../http/websocket-upgrade.ts";
import type { WebSocketConnection, WebSocketUpgrade } from "../../../../http/websocket.ts";
import { withinTime } from "../../../../http/within-time.ts";
import { setRateLimitHeaders } from "../../protocol/rate-limit-headers.ts";
import { CLOSE_CODES } from "../../realtime/close-codes.ts";
import { REALTIME_SUBPROTOCOL, findCredential } from "../../realtime/find-credential.ts";
import type { RealtimeDependencies } from "../../realtime/open-realtime.ts";
import type { ResponseDependencies } from "../route.ts";
import { serveResponses } from "./serve-responses.ts";
import type { ServeOptions } from "./serve-responses.ts";

type Shared = "authenticator" | "allowedOrigins" | "settings" | "bounds" | "bodies" | "sessions" | "reportError";

export interface SocketDependencies
  extends Pick<RealtimeDependencies, Shared>, Pick<ServeOptions, "decodeCall" | "refusalLimit"> {
  readonly service: Pick<AiService, "admitBody" | "route">;
  readonly state: ResponseDependencies;
}

const { id, capability, path } = operations.createResponse;
const OPERATION = { id, capability, shownAs: `GET ${path}` };

/** origin (403) → authenticate (401) → authorise (403) → the handshake (400, 426) → a slot (429) → the WebSocket. */
export function createResponsesOpener(dependencies: SocketDependencies) {
  const { settings, bodies } = dependencies;
  const { messageBytesMax, openTimeMsMax, sendBytesMax, pingMs } = settings;
  const accept = createWebSocketAcceptor({ messageBytesMax, subprotocol: REALTIME_SUBPROTOCOL });
  const slots = createSessionSlots({ ...settings, noun: "WebSockets for responses" });
  const open = createSessionOpener(dependencies.authenticator);

  async function begin(request: Request, scope: RequestScope, signal: AbortSignal): Promise<Begun> {
    const { callId, requestId, facts, headers } = scope;
    checkPageOrigin(headers, dependencies.allowedOrigins);
    const opened = await open(OPERATION, {
      callId,
      requestId,
      token: findCredential(headers, new URL(request.url).searchParams),
      signal,
      facts,
      onRateLimit: (kind, rates) => setRateLimitHeaders(scope.answerHeaders, kind, rates),
    });
    readHandshake(headers);
    const { accountId } = opened.call.principal;
    return { opened, accountId, giveSlotBack: slots.take(accountId) };
  }

  function connect(upgrade: WebSocketUpgrade, { accountId, giveSlotBack }: Begun, requestId: string) {
    try {
      return openWebSocketConnection(accept(upgrade, { "x-request-id": requestId }), {
        transport: upgrade.socket,
        openShare: () => bodies.open(accountId),
        sendBytesMax,
        pingMs,
        readsAhead: true,
      });
    } catch (thrown) {
      giveSlotBack();
      throw thrown;
    }
  }

  return async (request: Request, scope: RequestScope, upgrade: WebSocketUpgrade): Promise<Response> => {
    const gone = new AbortController();
    const signal = AbortSignal.any([scope.controller.signal, gone.signal]);
    const begun = await withinTime(begin(request, scope, signal), openTimeMsMax, {
      describe: tooLate,
      onLate: ({ giveSlotBack }) => giveSlotBack(),
    });
    const connection = connect(upgrade, begun, scope.requestId);
    connection.signal.addEventListener("abort", () => gone.abort(), { once: true });
    void follow(begun, { connection, scope, dependencies });
    return new Response(null);
  };
}

interface Begun {
  readonly opened: OpenedSession;
  readonly accountId: string;
  readonly giveSlotBack: () => void;
}

interface FollowOptions {
  readonly connection: WebSocketConnection;
  readonly scope: RequestScope;
  readonly dependencies: SocketDependencies;
}

/** From the opening of a connection to the end of what ran on it. */
async function follow(
  { opened, accountId, giveSlotBack }: Begun,
  { connection, scope, dependencies }: FollowOptions,
): Promise<void> {
  const { service, decodeCall, refusalLimit, bounds, settings, state, sessions, bodies, reportError } = dependencies;
  const served = serveResponses({
    service,
    decodeCall,
    refusalLimit,
    bounds,
    settings,
    responses: state.responses,
    memoryBytesMax: state.settings.accountBytesMax,
    openShare: () => bodies.open(accountId),
    connection,
    accountId,
    renew: opened.renew,
    traceParent: scope.traceParent,
    onError: (error) => reportError(error, scope),
  });
  const forget = sessions.add({
    end: served.end,
    abort: () => connection.close(CLOSE_CODES.goingAway, "the server is shutting down"),
    terminate: () => connection.terminate(),
  });
  await served.ended;
  scope.controller.abort();
  giveSlotBack();
  forget();
}

function tooLate(): AiError {
  const message = "The connection could not be opened in time. Please try again.";
  return new AiError("identity_unavailable", message, { retryAfterMs: 1000 });
}
