/**
 * Opens realtime sessions: everything that can be refused is refused before the connection becomes a WebSocket, with a
 * status and OpenAI's error envelope. What happens in a session is not its business.
 */

import { AiError } from "@openai-compat/core";
import type {
  AiService,
  Authenticator,
  OpenRealtimeOptions,
  RealtimeSession,
  RelayedSession,
} from "@openai-compat/core";
import { operations } from "@openai-compat/spec";
import type { ActiveSessions } from "../../../http/active-sessions.ts";
import type { BodyBudget } from "../../../http/body-budget.ts";
import { checkPageOrigin } from "../../../http/cors.ts";
import type { JsonBounds } from "../../../http/json-values.ts";
import { createSessionOpener } from "../../../http/open-call.ts";
import type { OpenedOperation, OpenedSession } from "../../../http/open-call.ts";
import type { RequestScope } from "../../../http/request-scope.ts";
import { openWebSocketConnection } from "../../../http/websocket-connection.ts";
import type { WebSocketConnection, WebSocketUpgrade } from "../../../http/websocket.ts";
import { createSessionSlots } from "../../../http/session-slots.ts";
import { readHandshake } from "../../../http/websocket-handshake.ts";
import { createWebSocketAcceptor } from "../../../http/websocket-upgrade.ts";
import { withinTime } from "../../../http/within-time.ts";
import { setRateLimitHeaders } from "../protocol/rate-limit-headers.ts";
import { asksForBeta } from "./beta.ts";
import { CLOSE_CODES } from "./close-codes.ts";
import { decodeBeginning } from "./decode-beginning.ts";
import { encodeRealtimeError } from "./encode-event.ts";
import { REALTIME_SUBPROTOCOL, findCredential } from "./find-credential.ts";
import { refuseBeta } from "./realtime-refusal.ts";
import { runRelay } from "./run-relay.ts";
import { runSession } from "./run-session.ts";
import type { SessionEnd } from "./run-session.ts";
import type { RealtimeSettings } from "./settings.ts";

/** Makes what turns the bytes of a session into the samples that engines take. */
export type CreateAudioDecoder = OpenRealtimeOptions["createDecoder"];

/** A session that has ended, for log and metrics. */
export interface SessionRecord extends SessionEnd {
  readonly requestId: string;
  readonly accountId: string;
  readonly operationId: string;
  readonly durationMs: number;
}

export interface RealtimeDependencies {
  readonly authenticator: Authenticator;
  readonly service: Pick<AiService, "admitBody" | "openRealtime" | "openRelay">;
  readonly allowedOrigins: readonly string[];
  readonly settings: RealtimeSettings;
  /** Called for each session, and again when it changes its format. */
  readonly createAudioDecoder: CreateAudioDecoder;
  /** Of the JSON of messages. */
  readonly bounds: JsonBounds;
  /** Memory that messages share with the bodies of requests. */
  readonly bodies: BodyBudget;
  readonly sessions: ActiveSessions;
  /** Called with a mistake of this server in a session. */
  readonly reportError: (error: AiError, scope: RequestScope) => void;
  readonly onSessionEnd: (record: SessionRecord) => void;
}

const { id, capability, path } = operations.connectRealtime;
const OPERATION: OpenedOperation = { id, capability, shownAs: `GET ${path}` };

/**
 * origin (403) → authenticate (401) → authorise (403) → the handshake (400, 426) → what the query says (400, 501) → the
 * session (404, 429, 501, 503) → the WebSocket.
 */
export function createRealtimeOpener(dependencies: RealtimeDependencies) {
  const { settings, bodies } = dependencies;
  const { messageBytesMax, openTimeMsMax, sendBytesMax, pingMs } = settings;
  const accept = createWebSocketAcceptor({ messageBytesMax, subprotocol: REALTIME_SUBPROTOCOL });
  const slots = createSessionSlots({ ...settings, noun: "realtime sessions" });
  const open = createSessionOpener(dependencies.authenticator);

  async function authenticate({ query, scope, signal }: Asked): Promise<OpenedSession> {
    checkPageOrigin(scope.headers, dependencies.allowedOrigins);
    const { callId, requestId, facts, headers } = scope;
    return open(OPERATION, {
      callId,
      requestId,
      token: findCredential(headers, query),
      signal,
      facts,
      onRateLimit: (kind, state) => setRateLimitHeaders(scope.answerHeaders, kind, state),
    });
  }

  function connect(upgrade: WebSocketUpgrade, accountId: string, { requestId }: RequestScope): WebSocketConnection {
    return openWebSocketConnection(accept(upgrade, { "x-request-id": requestId }), {
      transport: upgrade.socket,
      openShare: () => bodies.open(accountId),
      sendBytesMax,
      pingMs,
    });
  }

  async function begin(asked: Asked): Promise<BegunSession> {
    const { scope } = asked;
    const opened = await authenticate(asked);
    if (scope.upgrade === null) throw noWebSocket();
    const subprotocols = readHandshake(scope.headers);
    const { accountId } = opened.call.principal;
    const giveSlotBack = slots.take(accountId);
    try {
      const isBeta = asksForBeta(scope.headers, subprotocols);
      const session = isBeta ? null : await openSession(opened, asked, dependencies);
      return { accountId, session, giveSlotBack };
    } catch (thrown) {
      giveSlotBack();
      throw thrown;
    }
  }

  return async (request: Request, scope: RequestScope): Promise<Response> => {
    const query = new URL(request.url).searchParams;
    const late = new AbortController();
    const signal = AbortSignal.any([scope.controller.signal, late.signal]);
    const begun = await withinTime(begin({ query, scope, signal }), openTimeMsMax, {
      describe() {
        const error = tooLate();
        late.abort(error);
        return error;
      },
      onLate: abandon,
    });
    if (scope.upgrade === null) throw noWebSocket();
    try {
      const connection = connect(scope.upgrade, begun.accountId, scope);
      void follow(begun, { connection, scope, dependencies });
    } catch (thrown) {
      abandon(begun);
      throw thrown;
    }
    return new Response(null);
  };
}

/** A request for a session. */
interface Asked {
  readonly query: URLSearchParams;
  readonly scope: RequestScope;
  /** Aborted when the client disconnects, and when opening the session takes too long. */
  readonly signal: AbortSignal;
}

async function openSession(
  { call, configuration, renew }: OpenedSession,
  { query, scope }: Asked,
  { service, settings, createAudioDecoder }: RealtimeDependencies,
): Promise<RealtimeSession | RelayedSession> {
  const { update, ...beginning } = decodeBeginning(query, configuration);
  await service.admitBody(call, id);
  const options = { ...beginning, authoriseTurn: renew, limits: settings };
  const { traceParent } = scope;
  const transcriptionModel = beginning.patch?.transcription?.model ?? null;
  const relayed = await service.openRelay(call, { ...options, path, update, traceParent, transcriptionModel });
  return relayed ?? service.openRealtime(call, { ...options, createDecoder: createAudioDecoder });
}

interface BegunSession {
  readonly accountId: string;
  /** Null for a client that gets none, but its refusal as an event. */
  readonly session: RealtimeSession | RelayedSession | null;
  readonly giveSlotBack: () => void;
}

/** A session that nobody waits for any more. */
function abandon({ session, giveSlotBack }: BegunSession): void {
  giveSlotBack();
  void session?.close("disconnected");
}

interface FollowOptions {
  readonly connection: WebSocketConnection;
  readonly scope: RequestScope;
  readonly dependencies: RealtimeDependencies;
}

/** From the opening of a session to the end of its last turn. */
async function follow({ accountId, session, giveSlotBack }: BegunSession, options: FollowOptions): Promise<void> {
  const { connection, scope, dependencies } = options;
  const { sessions, settings, bounds, reportError, onSessionEnd } = dependencies;
  const startedAt = performance.now();
  const forget = sessions.add({
    end: () => void session?.close("shutting-down"),
    abort: () => connection.close(CLOSE_CODES.goingAway, "the server is shutting down"),
    terminate: () => connection.terminate(),
  });
  if (session === null) await refuseForBeta(connection);
  else {
    const { sessionBytesMax } = settings;
    const onError = (error: AiError) => reportError(error, scope);
    const end =
      session.route === "upstream"
        ? await runRelay({ session, connection, bounds, onError })
        : await runSession({ session, connection, bounds, sessionBytesMax, onError });
    const durationMs = performance.now() - startedAt;
    onSessionEnd({ ...end, requestId: scope.requestId, accountId, operationId: id, durationMs });
  }
  scope.controller.abort();
  giveSlotBack();
  forget();
}

async function refuseForBeta(connection: WebSocketConnection): Promise<void> {
  const { error } = refuseBeta();
  const event_id = `event_${crypto.randomUUID().replaceAll("-", "")}`;
  connection.send(
    JSON.stringify({ type: "error", event_id, error: { ...encodeRealtimeError(error), event_id: null } }),
  );
  connection.close(CLOSE_CODES.beta, "the beta is not supported");
  await connection.closed;
}

function tooLate(): AiError {
  const message = "The session could not be opened in time. Please try again.";
  return new AiError("identity_unavailable", message, { retryAfterMs: 1000 });
}

function noWebSocket(): AiError {
  return new AiError("invalid_request", "Sessions are WebSockets: connect to this URL with `ws:` or `wss:`.");
}
