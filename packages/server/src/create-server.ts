/**
 * The app on a socket: wires authenticator and service, bounds what a connection may do, and stops without cutting
 * answers off. What an answer says is the app's business.
 */

import { createServer as createHttpServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import type { HttpBindings } from "@hono/node-server";
import { AiError, createAiService, createAuthenticator } from "@openai-compat/core";
import type { ApiKeyStore, JwtSettings, ModelRegistry } from "@openai-compat/core";
import { createApp } from "./create-app.ts";
import type { App } from "./create-app.ts";
import { answerClientError } from "./http/client-error.ts";
import { encodeError } from "./http/encode-error.ts";
import { createRequestId, resolveRequestId, setAnswerHeaders } from "./http/headers.ts";
import type { Logger } from "./operations/logger.ts";

/** Times in milliseconds, sizes in bytes. */
export interface ServerLimits {
  readonly bodyBytesMax: number;
  readonly bodyTimeoutMs: number;
  readonly headersBytesMax: number;
  readonly headersTimeoutMs: number;
  /** How long a connection without a request is kept. */
  readonly idleTimeoutMs: number;
  readonly connectionsMax: number;
  /** How long a client may leave a stream's event untaken. */
  readonly streamStallTimeoutMs: number;
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
  };
  readonly registry: ModelRegistry;
  readonly stores: { readonly apiKeys: ApiKeyStore };
  readonly logger: Logger;
}

export interface Server {
  readonly app: App;
  /** @returns the URL of the API, its port the real one. @throws Error when the address can't be bound. */
  listen(): Promise<{ readonly baseUrl: string }>;
  /**
   * Accepts nothing more, lets running answers end for `shutdownTimeoutMs`, then aborts them, and closes the engines.
   * The stores stay open: who opened them closes them.
   */
  close(): Promise<void>;
}

/** An answer that is being made. */
interface ActiveRequest {
  readonly controller: AbortController;
  readonly outgoing: ServerResponse;
}

/** For aborted streams to say so before their connections are closed. */
const ABORT_GRACE_MS = 1000;

/** @throws Error when the configuration can't work, a short JWT secret for one. */
export function createServer(options: ServerOptions): Server {
  const { config, logger } = options;
  const { limits } = config;
  const service = createAiService({ registry: options.registry });
  const app = createApp({
    authenticator: createAuthenticator({ apiKeys: options.stores.apiKeys, jwt: config.jwt }),
    service,
    allowedOrigins: config.allowedOrigins,
    limits,
    onInternalError: (error, requestId) => logger.error("internal error", { requestId, cause: describeCause(error) }),
  });
  const active = new Set<ActiveRequest>();
  const drained = Promise.withResolvers<void>();
  let stopping = false;

  function track(request: ActiveRequest, onClose: () => void): void {
    active.add(request);
    request.outgoing.once("close", () => {
      active.delete(request);
      if (!request.outgoing.writableFinished) request.controller.abort();
      if (stopping && active.size === 0) drained.resolve();
      onClose();
    });
  }

  const listener = getRequestListener(
    async (request, env) => {
      const { incoming, outgoing } = env as HttpBindings;
      const requestId = resolveRequestId(request.headers);
      const controller = new AbortController();
      if (stopping) controller.abort(shuttingDown());
      const startedAt = performance.now();
      track({ controller, outgoing }, () => {
        logger.info("request", {
          method: incoming.method ?? "",
          path: (incoming.url ?? "").replace(/\?.*$/s, ""),
          status: outgoing.statusCode,
          durationMs: Math.round(performance.now() - startedAt),
          requestId,
          complete: outgoing.writableFinished,
        });
      });
      if (stopping) outgoing.shouldKeepAlive = false;
      const requestBody = () => {
        if (waitsForContinue(incoming)) outgoing.writeContinue();
      };
      return await app.fetch(request, { requestId, controller, requestBody });
    },
    { errorHandler: answerUnreadableRequest },
  );

  const http = createHttpServer({
    maxHeaderSize: limits.headersBytesMax,
    headersTimeout: limits.headersTimeoutMs,
    // The body has its own limit, which answers with an envelope; this one is behind it.
    requestTimeout: limits.headersTimeoutMs + limits.bodyTimeoutMs,
    keepAliveTimeout: limits.idleTimeoutMs,
    connectionsCheckingInterval: 1000,
  });
  http.maxConnections = limits.connectionsMax;
  const onRequest = (incoming: IncomingMessage, outgoing: ServerResponse) => void listener(incoming, outgoing);
  http.on("request", onRequest);
  // The client is asked for its body when it is read, so a refused upload is never sent (RFC 9110, section 10.1.1).
  http.on("checkContinue", onRequest);
  http.on("checkExpectation", onRequest);
  http.on("clientError", (error, socket) => {
    const isAnswering = [...active].some(({ outgoing }) => outgoing.socket === socket);
    answerClientError(error, socket, { isAnswering });
  });

  return {
    app,
    async listen() {
      await new Promise<void>((resolve, reject) => {
        http.once("error", reject);
        http.listen(config.port, config.host, () => {
          http.off("error", reject);
          resolve();
        });
      });
      const { address, family, port } = http.address() as AddressInfo;
      return { baseUrl: `http://${family === "IPv6" ? `[${address}]` : address}:${port}/v1` };
    },
    async close() {
      stopping = true;
      const closed = new Promise<void>((resolve) => http.close(() => resolve()));
      if (active.size > 0) {
        for (const { outgoing } of active) outgoing.shouldKeepAlive = false;
        await Promise.race([drained.promise, wait(limits.shutdownTimeoutMs)]);
        for (const { controller } of active) controller.abort(shuttingDown());
        if (active.size > 0) await Promise.race([drained.promise, wait(ABORT_GRACE_MS)]);
      }
      http.closeAllConnections();
      await closed;
      await service.close();
    },
  };
}

function shuttingDown(): AiError {
  return new AiError("shutting_down", "The server is shutting down. Please try again in a moment.", {
    retryAfterMs: 1000,
  });
}

function waitsForContinue(incoming: IncomingMessage): boolean {
  return incoming.headers.expect?.toLowerCase() === "100-continue";
}

function wait(timeMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, timeMs).unref());
}

/** For logs alone: what stands behind an error whose message tells the caller nothing. */
function describeCause(error: AiError): string {
  return error.cause instanceof Error ? (error.cause.stack ?? error.cause.message) : String(error.cause);
}

/** A request whose URL or host can't be read never reaches the app. */
function answerUnreadableRequest(): Response {
  const response = encodeError(new AiError("invalid_request", "The request's URL or host header is malformed."));
  setAnswerHeaders(response.headers, { requestId: createRequestId(), processingMs: 0 });
  return response;
}
