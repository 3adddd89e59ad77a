/**
 * The HTTP server below the app: bounds what a connection may do, gives every request what the app has to know of it,
 * and hands over the connections that become WebSockets. What an answer says is the app's business.
 */

import { IncomingMessage, ServerResponse, createServer as createHttpServer } from "node:http";
import type { Server as HttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { getRequestListener } from "@hono/node-server";
import { AiError, createCallId } from "@openai-compat/core";
import type { App } from "./create-app.ts";
import { describeStack } from "./describe-thrown.ts";
import type { ActiveRequests } from "./http/active-requests.ts";
import { createIncomingSource } from "./http/body-source.ts";
import { lingerWhereUnread } from "./http/close-soon.ts";
import { CLIENT_CLOSED_REQUEST } from "./http/error-status.ts";
import { createRequestId, readIncomingHeaders, resolveRequestId } from "./http/headers.ts";
import { HOST_OF_NONE, findHostFault } from "./http/request-host.ts";
import { readPath } from "./http/request-path.ts";
import { UpgradableMessage } from "./http/upgradable-message.ts";
import { beginUpgrade } from "./http/websocket-upgrade.ts";
import type { WebSocketUpgrade } from "./http/websocket.ts";
import type { Logger } from "./operations/logger.ts";
import type { ServerOperations } from "./operations/server-operations.ts";
import type { OperationLimits } from "./surfaces/openai/operation-handler.ts";
import { setAnswerHeaders } from "./surfaces/openai/protocol/answer-headers.ts";
import { answerClientError, answerConnect } from "./surfaces/openai/protocol/client-error.ts";
import { encodeError } from "./surfaces/openai/protocol/encode-error.ts";

/** Times in milliseconds, sizes in bytes. */
export interface ServerLimits extends OperationLimits {
  readonly headersBytesMax: number;
  readonly headersTimeoutMs: number;
  /** How long a connection without a request is kept. */
  readonly idleTimeoutMs: number;
  readonly connectionsMax: number;
  /** How long an answer may take once its call was admitted. */
  readonly callTimeMsMax: number;
  /** How long running answers may go on after the server was asked to stop. */
  readonly shutdownTimeoutMs: number;
}

/** Both in PEM. */
export interface TlsIdentity {
  readonly certificate: string;
  readonly key: string;
}

interface HttpParts {
  /** Null: without TLS. */
  readonly tls: TlsIdentity | null;
  readonly app: App;
  readonly active: ActiveRequests;
  /** Aborted when the server begins to stop. */
  readonly stopping: AbortSignal;
  readonly limits: ServerLimits;
  readonly operations: ServerOperations;
  readonly logger: Logger;
}

export function createHttp(parts: HttpParts): HttpServer {
  const { limits, active, logger, tls } = parts;
  const settings = {
    IncomingMessage: UpgradableMessage,
    // Node.js would refuse a request without a host with an empty answer; `findHostFault` refuses it with an envelope.
    requireHostHeader: false,
    maxHeaderSize: limits.headersBytesMax,
    headersTimeout: limits.headersTimeoutMs,
    // The body has its own limit, which answers with an envelope; this one stands behind it.
    requestTimeout: limits.headersTimeoutMs + limits.bodyTimeoutMs,
    keepAliveTimeout: limits.idleTimeoutMs,
    connectionsCheckingInterval: Math.min(limits.headersTimeoutMs, CONNECTIONS_CHECKING_INTERVAL_MS),
  };
  const http =
    tls === null
      ? createHttpServer(settings)
      : createHttpsServer({
          ...settings,
          cert: tls.certificate,
          key: tls.key,
          handshakeTimeout: limits.headersTimeoutMs,
        });
  http.maxConnections = limits.connectionsMax;
  const listener = createListener(parts);
  const watch = (incoming: IncomingMessage, outgoing: ServerResponse, answer: () => Promise<void>) => {
    // Both fail when their connection does, which their reader or writer sees by itself.
    incoming.on("error", () => {});
    outgoing.on("error", () => {});
    void answer().catch((thrown: unknown) => {
      logger.error("an answer could not be written", { cause: describeStack(thrown) });
      outgoing.destroy();
    });
  };
  const onRequest = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    lingerWhereUnread(incoming, outgoing);
    watch(incoming, outgoing, async () => listener(incoming, outgoing));
  };
  http.on("request", onRequest);
  // The client is asked for its body when it is read, so a refused upload is never sent (RFC 9110, section 10.1.1).
  http.on("checkContinue", onRequest);
  http.on("checkExpectation", onRequest);
  http.on("upgrade", (incoming, socket, head) => {
    // Nobody else listens any more, and an error without a listener would end the process.
    socket.on("error", () => {});
    const begin = () => {
      if (socket.destroyed) return;
      const upgrade = beginUpgrade(incoming, socket, head);
      watch(incoming, upgrade.outgoing, () => answerUpgrade(upgrade, parts));
    };
    // What was asked before it on the connection is answered first.
    const before = active.findLast(socket);
    if (before === null) begin();
    else before.outgoing.once("close", begin);
  });
  http.on("connect", (_incoming, socket) => answerConnect(socket));
  http.on("clientError", (error, socket) => {
    answerClientError(error, socket, active.findLast(socket));
  });
  // For one, that the system had no room for another connection. Those that there are go on.
  http.on("error", (error) => {
    // The caller of listen gets the error of a socket that never listened.
    if (http.listening) logger.error("the listening socket failed", { cause: error.message });
  });
  return http;
}

/** How often Node.js looks for connections that are over their time. */
const CONNECTIONS_CHECKING_INTERVAL_MS = 1000;

type Listener = ReturnType<typeof getRequestListener>;

function createListener(parts: HttpParts): Listener {
  return getRequestListener(
    (request, { incoming, outgoing }) => {
      if (!(incoming instanceof IncomingMessage && outgoing instanceof ServerResponse)) {
        throw new TypeError("This server speaks HTTP/1.1 alone.");
      }
      return answerRequest(request, { incoming, outgoing, upgrade: null }, parts);
    },
    {
      hostname: HOST_OF_NONE,
      errorHandler: () => answerUnreadableRequest(UNREADABLE_URL, createRequestId()),
    },
  );
}

const UNREADABLE_URL = "The request's URL or host header is malformed.";

/** One request, as it stands on its connection. */
interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly upgrade: WebSocketUpgrade | null;
}

function answerRequest(
  request: Request,
  { incoming, outgoing, upgrade }: Exchange,
  { app, active, stopping, operations }: HttpParts,
): Response | Promise<Response> {
  const headers = readIncomingHeaders(incoming);
  const requestId = resolveRequestId(headers);
  const callId = createCallId();
  const controller = new AbortController();
  if (stopping.aborted) {
    controller.abort(shuttingDown());
    outgoing.shouldKeepAlive = false;
  }
  const observation = operations.telemetry.startRequest({
    requestId,
    callId,
    method: incoming.method ?? "",
    // Not `incoming.url`: it may hold a token in its query, or a password before its host.
    path: readPath(request.url),
    headers,
  });
  const end = active.add({ controller, incoming, outgoing }, () => {
    if (upgrade?.isAccepted === true) {
      observation.end(SWITCHING_PROTOCOLS, true);
      return;
    }
    const status = outgoing.headersSent ? outgoing.statusCode : CLIENT_CLOSED_REQUEST;
    observation.end(status, outgoing.writableFinished);
  });
  const hostFault = findHostFault(incoming);
  if (hostFault !== null) return answerUnreadableRequest(hostFault, requestId);
  const requestBody = () => {
    if (waitsForContinue(incoming)) outgoing.writeContinue();
  };
  const response = app.fetch(request, {
    requestId,
    callId,
    headers,
    peerAddress: incoming.socket.remoteAddress ?? null,
    traceParent: observation.traceParent,
    facts: observation.facts,
    controller,
    upgrade,
    body: createIncomingSource(incoming),
    requestBody,
    answerHeaders: {},
    setHeader: (name, value) => void outgoing.setHeader(name, value),
    afterAnswer: (listener) => {
      if (outgoing.closed) listener();
      else outgoing.once("close", listener);
    },
    drop: () => void outgoing.destroy(),
  });
  return upgrade === null ? response : response.finally(() => upgrade.isAccepted && end());
}

/** What the log has of a request whose connection has become a WebSocket. */
const SWITCHING_PROTOCOLS = 101;

/** Takes no longer than its refusal, or until the connection is the app's. */
async function answerUpgrade(upgrade: WebSocketUpgrade, parts: HttpParts): Promise<void> {
  const { incoming, outgoing } = upgrade;
  const url = readUrl(incoming);
  const response =
    url === null
      ? answerUnreadableRequest(UNREADABLE_URL, createRequestId())
      : await answerRequest(new Request(url), { incoming, outgoing, upgrade }, parts);
  if (upgrade.isAccepted) return;
  const body = await response.text();
  const headers = { ...Object.fromEntries(response.headers), "content-length": Buffer.byteLength(body) };
  outgoing.writeHead(response.status, headers).end(body);
}

/** @returns null for what is no URL; else one that is absolute. */
function readUrl({ url = "/", headers }: IncomingMessage): string | null {
  const host = headers.host ?? HOST_OF_NONE;
  if (!/^[\w.:[\]-]+$/.test(host)) return null;
  const absolute = url.startsWith("/") ? `http://${host}${url}` : url;
  return /^https?:/i.test(absolute) && URL.canParse(absolute) ? absolute : null;
}

export function shuttingDown(): AiError {
  return new AiError("shutting_down", "The server is shutting down. Please try again in a moment.", {
    retryAfterMs: 1000,
  });
}

function waitsForContinue(incoming: IncomingMessage): boolean {
  return incoming.headers.expect?.toLowerCase() === "100-continue";
}

/** A request whose URL or host can't be read never reaches the app. */
function answerUnreadableRequest(reason: string, requestId: string): Response {
  const response = encodeError(new AiError("invalid_request", reason));
  setAnswerHeaders((name, value) => response.headers.set(name, value), { requestId, processingMs: 0 });
  return response;
}
