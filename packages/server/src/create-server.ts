/**
 * The app on a socket: wires authenticator and service, bounds what a connection may do, and stops without cutting
 * answers off. What an answer says is the app's business.
 */

import { IncomingMessage, ServerResponse, createServer as createHttpServer } from "node:http";
import type { Server as HttpServer } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { AiError, createAiService, createAuthenticator, createCallId, createRateLimits } from "@openai-compat/core";
import type { AiErrorCode, JwtSettings, ModelRegistry } from "@openai-compat/core";
import { createApp } from "./create-app.ts";
import type { App } from "./create-app.ts";
import { describeStack } from "./describe-thrown.ts";
import { createIncomingSource } from "./http/body-source.ts";
import { lingerWhereUnread } from "./http/close-soon.ts";
import { createActiveRequests } from "./http/active-requests.ts";
import type { ActiveRequests } from "./http/active-requests.ts";
import { CLIENT_CLOSED_REQUEST } from "./http/error-status.ts";
import { createRequestId, readIncomingHeaders, resolveRequestId } from "./http/headers.ts";
import { HOST_OF_NONE, findHostFault } from "./http/request-host.ts";
import { createRefusalLimit } from "./http/refusal-limit.ts";
import { readPath } from "./http/request-path.ts";
import type { LoadReading } from "./operations/load-metrics.ts";
import type { Logger } from "./operations/logger.ts";
import { assertModelsReady } from "./operations/models-ready.ts";
import type { ReadinessPart } from "./operations/readiness.ts";
import { createServerOperations } from "./operations/server-operations.ts";
import type { OperationsSettings, ServerOperations } from "./operations/server-operations.ts";
import type { Tracing } from "./operations/tracing.ts";
import { findLimits } from "./rate-limit-settings.ts";
import type { RateLimitSettings } from "./rate-limit-settings.ts";
import { startStoreSweeper } from "./stores/store-sweeper.ts";
import type { Stores } from "./stores/stores.ts";
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

export interface ServerOptions {
  readonly config: {
    readonly host: string;
    /** 0 for any free port. */
    readonly port: number;
    readonly allowedOrigins: readonly string[];
    readonly jwt: JwtSettings | null;
    readonly limits: ServerLimits;
    readonly rateLimits: RateLimitSettings;
    readonly operations: OperationsSettings;
  };
  readonly registry: ModelRegistry;
  /** The loads of local models, for metrics and readiness. Default: none. */
  readonly loads?: () => readonly LoadReading[];
  readonly stores: Stores;
  readonly logger: Logger;
  /** Default: no traces. Its creator closes it, after the server. */
  readonly tracing?: Tracing | null;
}

export interface Server {
  readonly app: App;
  /** @returns the URL of the API, its port the real one. @throws Error when the address can't be bound. */
  listen(): Promise<{ readonly baseUrl: string }>;
  /**
   * Accepts nothing more, lets running answers end for `shutdownTimeoutMs`, then aborts them, and closes the engines.
   * The stores stay open: their creator closes them.
   */
  close(): Promise<void>;
}

/** For aborted streams to say so before their connections are closed. */
const ABORT_GRACE_MS = 1000;

/** @throws Error when the configuration can't work, a short JWT secret for one. */
export function createServer(options: ServerOptions): Server {
  const { config, logger } = options;
  const active = createActiveRequests();
  const operations = createServerOperations({
    settings: config.operations,
    logger,
    tracing: options.tracing ?? null,
    readinessParts: listReadinessParts(options),
    queues: () => service.queues(),
    upstreams: () => service.upstreams(),
    loads: options.loads ?? (() => []),
    pendingSettlements: () => service.pendingSettlements(),
    requestsInFlight: () => active.count,
  });
  const limitsOf = findLimits(config.rateLimits);
  const service = createAiService({
    registry: options.registry,
    credits: options.stores.credits,
    rateLimits: createRateLimits({ store: options.stores.rateLimits, limitsOf }),
    callTimeMsMax: config.limits.callTimeMsMax,
    onCallEnd: operations.telemetry.recordCall,
    onSettlementPending: (error, requestId) =>
      logger.warn("the store did not settle a call; it is asked again", { requestId, cause: describeCause(error) }),
    onSettlementError: (error, requestId) =>
      logger.error("a call could not be settled", { requestId, code: error.code, cause: describeCause(error) }),
  });
  const app = createApp({
    publicHandlers: operations.publicHandlers,
    onError: operations.telemetry.recordError,
    authenticator: createAuthenticator({
      apiKeys: options.stores.apiKeys,
      tokenRevocations: options.stores.tokenRevocations,
      clientSecrets: options.stores.clientSecrets,
      jwt: config.jwt,
      onKeySetFailure: (error) => logger.warn("the issuer's keys can't be had", { cause: error.message }),
    }),
    service,
    allowedOrigins: config.allowedOrigins,
    limits: config.limits,
    refusalLimit: createRefusalLimit({ limitOf: (accountId) => limitsOf(accountId).refusalsPerMinute }),
    onInternalError: (error, requestId) =>
      logger.error("call failed", { requestId, code: error.code, cause: describeCause(error) }),
  });
  const stopping = new AbortController();
  const sweeper = startStoreSweeper(options.stores, {
    onError: (cause) => logger.error("the stores could not be swept", { cause: cause.message }),
  });
  const http = createHttp({ app, active, stopping: stopping.signal, limits: config.limits, operations, logger });
  return {
    app,
    listen: () => listen(http, config),
    async close() {
      stopping.abort();
      const closed = new Promise<void>((resolve) => http.close(() => resolve()));
      active.closeConnections();
      await active.untilNone(config.limits.shutdownTimeoutMs);
      active.abort(shuttingDown());
      await active.untilNone(ABORT_GRACE_MS);
      http.closeAllConnections();
      await closed;
      try {
        await service.close();
      } finally {
        await sweeper.stop();
      }
    },
  };
}

/** The name of a part is shown to anybody. */
function listReadinessParts({ stores, registry, config, loads }: ServerOptions): readonly ReadinessPart[] {
  return [
    { name: "keys", check: () => stores.apiKeys.findBySecretSha256("") },
    { name: "token revocations", check: () => stores.tokenRevocations.isRevoked("") },
    { name: "credits", check: () => stores.credits.readBalance("") },
    { name: "writes", check: () => stores.probeWrite(), intervalMs: config.operations.writeProbeIntervalMs },
    {
      name: "models",
      check: async () => assertModelsReady(registry.list(), loads?.() ?? []),
    },
  ];
}

interface HttpParts {
  readonly app: App;
  readonly active: ActiveRequests;
  /** Aborted when the server begins to stop. */
  readonly stopping: AbortSignal;
  readonly limits: ServerLimits;
  readonly operations: ServerOperations;
  readonly logger: Logger;
}

function createHttp(parts: HttpParts): HttpServer {
  const { limits, active, logger } = parts;
  const http = createHttpServer({
    // Node.js would refuse a request without a host with an empty answer; `findHostFault` refuses it with an envelope.
    requireHostHeader: false,
    maxHeaderSize: limits.headersBytesMax,
    headersTimeout: limits.headersTimeoutMs,
    // The body has its own limit, which answers with an envelope; this one stands behind it.
    requestTimeout: limits.headersTimeoutMs + limits.bodyTimeoutMs,
    keepAliveTimeout: limits.idleTimeoutMs,
    connectionsCheckingInterval: Math.min(limits.headersTimeoutMs, CONNECTIONS_CHECKING_INTERVAL_MS),
  });
  http.maxConnections = limits.connectionsMax;
  const listener = createListener(parts);
  const onRequest = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    // Both fail when their connection does, which their reader or writer sees by itself.
    incoming.on("error", () => {});
    outgoing.on("error", () => {});
    lingerWhereUnread(incoming, outgoing);
    void listener(incoming, outgoing).catch((thrown: unknown) => {
      logger.error("an answer could not be written", { cause: describeStack(thrown) });
      outgoing.destroy();
    });
  };
  http.on("request", onRequest);
  // The client is asked for its body when it is read, so a refused upload is never sent (RFC 9110, section 10.1.1).
  http.on("checkContinue", onRequest);
  http.on("checkExpectation", onRequest);
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

function createListener({ app, active, stopping, operations }: HttpParts): ReturnType<typeof getRequestListener> {
  return getRequestListener(
    (request, { incoming, outgoing }) => {
      if (!(incoming instanceof IncomingMessage && outgoing instanceof ServerResponse)) {
        throw new TypeError("This server speaks HTTP/1.1 alone.");
      }
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
      active.add({ controller, incoming, outgoing }, () => {
        const status = outgoing.headersSent ? outgoing.statusCode : CLIENT_CLOSED_REQUEST;
        observation.end(status, outgoing.writableFinished);
      });
      const hostFault = findHostFault(incoming);
      if (hostFault !== null) return answerUnreadableRequest(hostFault, requestId);
      const requestBody = () => {
        if (waitsForContinue(incoming)) outgoing.writeContinue();
      };
      return app.fetch(request, {
        requestId,
        callId,
        headers,
        peerAddress: incoming.socket.remoteAddress ?? null,
        traceParent: observation.traceParent,
        facts: observation.facts,
        controller,
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
    },
    {
      hostname: HOST_OF_NONE,
      errorHandler: () => answerUnreadableRequest("The request's URL or host header is malformed.", createRequestId()),
    },
  );
}

async function listen(
  http: HttpServer,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<{ baseUrl: string }> {
  await new Promise<void>((resolve, reject) => {
    http.once("error", reject);
    http.listen(port, host, () => {
      http.off("error", reject);
      resolve();
    });
  });
  const bound = http.address();
  if (bound === null || typeof bound === "string") throw new Error("The server listens on no TCP port.");
  return { baseUrl: `http://${bound.family === "IPv6" ? `[${bound.address}]` : bound.address}:${bound.port}/v1` };
}

function shuttingDown(): AiError {
  return new AiError("shutting_down", "The server is shutting down. Please try again in a moment.", {
    retryAfterMs: 1000,
  });
}

function waitsForContinue(incoming: IncomingMessage): boolean {
  return incoming.headers.expect?.toLowerCase() === "100-continue";
}

/** What fails outside of this process, where a stack would show our way there alone. */
const FOREIGN_FAILURES: ReadonlySet<AiErrorCode> = new Set([
  "upstream_failed",
  "upstream_unavailable",
  "upstream_timeout",
  "identity_unavailable",
]);

/** For logs only: the cause of an error whose message discloses nothing to the caller. */
function describeCause(error: AiError): string {
  const { cause = error } = error;
  return FOREIGN_FAILURES.has(error.code) && cause instanceof Error ? cause.message : describeStack(cause);
}

/** A request whose URL or host can't be read never reaches the app. */
function answerUnreadableRequest(reason: string, requestId: string): Response {
  const response = encodeError(new AiError("invalid_request", reason));
  setAnswerHeaders((name, value) => response.headers.set(name, value), { requestId, processingMs: 0 });
  return response;
}
