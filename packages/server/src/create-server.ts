/**
 * The app on a socket: wires authenticator and service, bounds what a connection may do, and stops without cutting
 * answers off. What an answer says is the app's business.
 */

import type { Server as HttpServer } from "node:http";
import { createAiService, createAuthenticator, createRateLimits } from "@openai-compat/core";
import type { AiError, AiErrorCode, AiService, JwtSettings, ModelRegistry } from "@openai-compat/core";
import { createApp } from "./create-app.ts";
import type { App } from "./create-app.ts";
import { describeStack } from "./describe-thrown.ts";
import { createHttp, shuttingDown } from "./create-http.ts";
import type { ServerLimits, TlsIdentity } from "./create-http.ts";
import { createActiveRequests } from "./http/active-requests.ts";
import type { ActiveRequests } from "./http/active-requests.ts";
import { createActiveSessions } from "./http/active-sessions.ts";
import type { ActiveSessions } from "./http/active-sessions.ts";
import { createRefusalLimit } from "./http/refusal-limit.ts";
import type { DecoderReading } from "./operations/decoder-metrics.ts";
import type { LoadReading } from "./operations/load-metrics.ts";
import { createModelManager } from "./models/model-manager.ts";
import type { ModelManager } from "./models/model-manager.ts";
import type { Logger } from "./operations/logger.ts";
import { assertModelsReady } from "./operations/models-ready.ts";
import type { ReadinessPart } from "./operations/readiness.ts";
import { createServerOperations } from "./operations/server-operations.ts";
import type { ServerOperations } from "./operations/server-operations.ts";
import type { OperationsSettings } from "./operations/server-operations.ts";
import type { Tracing } from "./operations/tracing.ts";
import type { ModelBuilder } from "./resolve-models.ts";
import { findLimits } from "./rate-limit-settings.ts";
import type { RateLimitSettings } from "./rate-limit-settings.ts";
import { startStoreSweeper } from "./stores/store-sweeper.ts";
import type { Stores } from "./stores/stores.ts";
import type { CreateAudioDecoder } from "./surfaces/openai/realtime/open-realtime.ts";
import { startRunSweeper } from "./surfaces/openai/responses/background/run-sweeper.ts";
import type { RealtimeSettings } from "./surfaces/openai/realtime/settings.ts";
import type { ResponseSettings } from "./surfaces/openai/responses/settings.ts";
import type { NativeSettings } from "./surfaces/native/settings.ts";

export interface ServerOptions {
  readonly config: {
    readonly host: string;
    /** 0 for any free port. */
    readonly port: number;
    readonly allowedOrigins: readonly string[];
    readonly jwt: JwtSettings | null;
    readonly limits: ServerLimits;
    readonly realtime: RealtimeSettings;
    readonly native: NativeSettings;
    readonly responses: ResponseSettings;
    readonly rateLimits: RateLimitSettings;
    readonly operations: OperationsSettings;
  };
  /** Default: without TLS. */
  readonly tls?: TlsIdentity | null;
  readonly registry: ModelRegistry;
  /** For realtime sessions: the engines' own. */
  readonly createAudioDecoder: CreateAudioDecoder;
  /** Makes the models that are added while the server runs. */
  readonly builder: ModelBuilder;
  /** The loads of local models, for metrics and readiness. Default: none. */
  readonly loads?: () => readonly LoadReading[];
  /** The processes that decode audio, for the same. Default: none. */
  readonly decoders?: () => DecoderReading;
  readonly stores: Stores;
  readonly logger: Logger;
  /** Default: no traces. Its creator closes it, after the server. */
  readonly tracing?: Tracing | null;
}

export interface Server {
  readonly app: App;
  readonly models: ModelManager;
  /** @returns the URL of the API, its port the real one. @throws Error when the address can't be bound. */
  listen(): Promise<{ readonly baseUrl: string }>;
  /**
   * Accepts nothing more, lets running answers end for `shutdownTimeoutMs`, then aborts them, and closes the engines.
   * The stores stay open: their creator closes them.
   */
  close(): Promise<void>;
}

/** For a call to be settled after its time, and for the retries. */
const SETTLEMENT_GRACE_MS = 60_000;

const NO_DECODERS: DecoderReading = { processes: [], starts: 0, losses: 0 };

/** For aborted streams to say so before their connections are closed. */
const ABORT_GRACE_MS = 1000;

/** @throws Error when the configuration can't work, a short JWT secret for one. */
export function createServer(options: ServerOptions): Server {
  const { config, logger, tls = null } = options;
  const active = createActiveRequests();
  const sessions = createActiveSessions();
  const operations = createServerOperations({
    settings: config.operations,
    logger,
    tracing: options.tracing ?? null,
    readinessParts: listReadinessParts(options),
    queues: () => service.queues(),
    upstreams: () => service.upstreams(),
    loads: options.loads ?? (() => []),
    decoders: options.decoders ?? (() => NO_DECODERS),
    pendingSettlements: () => service.pendingSettlements(),
    requestsInFlight: () => active.count,
    openSessions: () => sessions.count,
  });
  const limitsOf = findLimits(config.rateLimits);
  const service = createService(options, { limitsOf, operations });
  const models = createModelManager({ ...options, service, store: options.stores.models, settings: config.native });
  const app = createApp({
    // First: of the settings more is given than is asked for, a list of models too.
    ...config,
    models,
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
    createAudioDecoder: options.createAudioDecoder,
    stores: options.stores,
    sessions,
    observeCall: operations.telemetry.startRequest,
    onSessionEnd: operations.telemetry.recordSession,
    refusalLimit: createRefusalLimit({ limitOf: (accountId) => limitsOf(accountId).refusalsPerMinute }),
    onInternalError: (error, requestId) =>
      logger.error("call failed", { requestId, code: error.code, cause: describeCause(error) }),
  });
  const stopping = new AbortController();
  const sweeper = startSweepers(options, app);
  const http = createHttp({ tls, app, active, stopping: stopping.signal, limits: config.limits, operations, logger });
  return {
    app,
    models,
    async listen() {
      await models.start();
      return listen(http, { ...config, protocol: tls === null ? "http" : "https" });
    },
    async close() {
      stopping.abort();
      app.stop(shuttingDown());
      const { shutdownTimeoutMs } = config.limits;
      await Promise.all([
        closeConnections(http, { active, sessions, shutdownTimeoutMs }),
        app.backgrounds.close(shuttingDown(), shutdownTimeoutMs),
      ]);
      try {
        await models.close();
        await service.close();
      } finally {
        await sweeper.stop();
      }
    },
  };
}

function startSweepers({ stores, logger, config }: ServerOptions, { backgrounds }: App) {
  const sweepers = [
    startStoreSweeper(stores, {
      onError: (cause) => logger.error("the stores could not be swept", { cause: cause.message }),
    }),
    startRunSweeper(backgrounds, {
      leaseMs: config.responses.backgroundLeaseSeconds * 1000,
      onError: (cause) =>
        logger.error("responses of servers that are gone could not be ended", { cause: cause.message }),
    }),
  ];
  return {
    async stop(): Promise<void> {
      await Promise.all(sweepers.map((sweeper) => sweeper.stop()));
    },
  };
}

function createService(
  { registry, stores, config, logger }: ServerOptions,
  { limitsOf, operations }: { readonly limitsOf: ReturnType<typeof findLimits>; readonly operations: ServerOperations },
): AiService {
  return createAiService({
    registry,
    credits: stores.credits,
    rateLimits: createRateLimits({ store: stores.rateLimits, limitsOf }),
    callTimeMsMax: config.limits.callTimeMsMax,
    // Another server has the last call of this one paid for when its lease has run out, and not before.
    settlementGraceMs: SETTLEMENT_GRACE_MS + 2 * config.responses.backgroundLeaseSeconds * 1000,
    onCallEnd: operations.telemetry.recordCall,
    onSettlementPending: (error, requestId) =>
      logger.warn("the store did not settle a call; it is asked again", { requestId, cause: describeCause(error) }),
    onSettlementError: (error, requestId) =>
      logger.error("a call could not be settled", { requestId, code: error.code, cause: describeCause(error) }),
  });
}

interface OpenConnections {
  readonly active: ActiveRequests;
  readonly sessions: ActiveSessions;
  readonly shutdownTimeoutMs: number;
}

/** Lets what runs end, then says that it has to, then cuts it off. */
async function closeConnections(http: HttpServer, open: OpenConnections): Promise<void> {
  const { active, sessions, shutdownTimeoutMs } = open;
  const closed = new Promise<void>((resolve) => http.close(() => resolve()));
  const untilNone = (timeoutMs: number) => Promise.all([active.untilNone(timeoutMs), sessions.untilNone(timeoutMs)]);
  active.closeConnections();
  sessions.end(shuttingDown());
  await untilNone(shutdownTimeoutMs);
  active.abort(shuttingDown());
  sessions.abort(shuttingDown());
  await untilNone(ABORT_GRACE_MS);
  sessions.terminate();
  http.closeAllConnections();
  await closed;
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

async function listen(
  http: HttpServer,
  { host, port, protocol }: { readonly host: string; readonly port: number; readonly protocol: "http" | "https" },
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
  const address = bound.family === "IPv6" ? `[${bound.address}]` : bound.address;
  return { baseUrl: `${protocol}://${address}:${bound.port}/v1` };
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
