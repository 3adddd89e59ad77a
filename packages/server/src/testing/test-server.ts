/**
 * A whole server for this package's tests: an app or a listening socket, keys of each kind, an engine under control.
 */

import {
  FREE_OF_CHARGE,
  createAiService,
  createAuthenticator,
  createModelRegistry,
  createRateLimits,
  generateApiKey,
  mintToken,
} from "@openai-compat/core";
import type { AiError, Engine, GrantedCapability, JwtSettings, RegisteredModel } from "@openai-compat/core";
import { createLiveDecoder, createScriptedEngine } from "@openai-compat/engines";
import { createModelBuilder } from "../resolve-models.ts";
import type { ModelBuilder } from "../resolve-models.ts";
import { findLimits } from "../rate-limit-settings.ts";
import { configSchema } from "../config.ts";
import type { ConfigInput } from "../config.ts";
import { createApp } from "../create-app.ts";
import type { TlsIdentity } from "../create-http.ts";
import { createServer } from "../create-server.ts";
import { createActiveSessions } from "../http/active-sessions.ts";
import { createRefusalLimit } from "../http/refusal-limit.ts";
import type { ServerOptions } from "../create-server.ts";
import { createModelManager } from "../models/model-manager.ts";
import { createLogger } from "../operations/logger.ts";
import { createMemoryStores } from "../stores/memory.ts";
import type { Stores } from "../stores/stores.ts";

const EVERYTHING: readonly GrantedCapability[] = [{ domain: "ai", pointers: ["*"], can: ["*"] }];

const JWT: JwtSettings = {
  secret: "a-secret-for-tests-that-is-long-enough",
  issuer: null,
  audience: null,
  clockToleranceSeconds: 30,
};

export interface TestServerOptions {
  /** Default: the real one. */
  readonly builder?: ModelBuilder;
  readonly engine?: Engine;
  readonly models?: readonly Partial<RegisteredModel>[];
  readonly config?: ConfigInput;
  /** The loads of local models, for metrics and readiness. Default: none. */
  readonly loads?: ServerOptions["loads"];
  /** Default: in memory. */
  readonly stores?: Stores;
  /** Default: without TLS. */
  readonly tls?: TlsIdentity;
}

function createTestModels(options: TestServerOptions): RegisteredModel[] {
  const engine = options.engine ?? createScriptedEngine();
  return (options.models ?? [{ isDefault: true }]).map((overrides) => ({
    id: "scripted",
    name: "Scripted",
    type: "chat",
    ownedBy: "scripted",
    createdAtMs: 1_700_000_000_500,
    engine,
    queue: { waitingMax: 4, waitTimeMsMax: 2000 },
    prices: FREE_OF_CHARGE,
    isDefault: false,
    ...overrides,
  }));
}

async function createKeys({ apiKeys }: Stores) {
  const { secret, record } = generateApiKey({
    accountId: "ada",
    name: "tests",
    capabilities: EVERYTHING,
    expiresAtMs: null,
    nowMs: Date.now(),
  });
  await apiKeys.insert(record);
  const mintFor = (accountId: string, capabilities = EVERYTHING, expiresInSeconds = 600) =>
    mintToken({ settings: JWT, accountId, appName: "tests", capabilities, expiresInSeconds });
  const mint = (capabilities: readonly GrantedCapability[], expiresInSeconds = 600) =>
    mintFor("ada", capabilities, expiresInSeconds);
  return {
    mintFor,
    key: secret,
    token: await mint(EVERYTHING),
    noCapability: await mint([]),
    expired: await mint(EVERYTHING, -3600),
  };
}

/** The app alone, without a socket. */
export async function createTestApp(options: TestServerOptions = {}) {
  const stores = options.stores ?? createMemoryStores();
  const keys = await createKeys(stores);
  const config = configSchema.parse(options.config ?? {});
  const registry = createModelRegistry(createTestModels(options), config.aliases);
  const internalErrors: AiError[] = [];
  const service = createAiService({
    registry,
    credits: stores.credits,
    rateLimits: createRateLimits({ store: stores.rateLimits, limitsOf: findLimits(config.rateLimits) }),
    callTimeMsMax: config.limits.callTimeMsMax,
    onSettlementError: (error) => void internalErrors.push(error),
  });
  const app = createApp({
    authenticator: createAuthenticator({ ...stores, jwt: JWT }),
    service,
    models: createModelManager({
      service,
      registry,
      store: stores.models,
      builder: options.builder ?? createModelBuilder({ config }),
      settings: config.native,
      logger: createLogger({ level: config.logLevel, write: () => {} }),
    }),
    allowedOrigins: config.allowedOrigins,
    limits: config.limits,
    realtime: config.realtime,
    responses: config.responses,
    native: config.native,
    createAudioDecoder: createLiveDecoder,
    stores,
    sessions: createActiveSessions(),
    refusalLimit: createRefusalLimit({ limitOf: (id) => findLimits(config.rateLimits)(id).refusalsPerMinute }),
    onInternalError: (error) => void internalErrors.push(error),
  });
  /** With the good key, unless `headers` say otherwise. */
  const request = (path: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers);
    if (!headers.has("authorization")) headers.set("authorization", `Bearer ${keys.key}`);
    return app.fetch(new Request(`http://server.test${path}`, { ...init, headers }));
  };
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    request(path, {
      method: "POST",
      body: typeof body === "string" ? body : JSON.stringify(body),
      headers: { "content-type": "application/json", ...headers },
    });
  return { app, keys, request, post, internalErrors, stores };
}

/** On a free port of the loopback address. Close it when the test ends. */
export async function startTestServer(options: TestServerOptions = {}) {
  const stores = options.stores ?? createMemoryStores();
  const keys = await createKeys(stores);
  const config = configSchema.parse(options.config ?? {});
  const lines: string[] = [];
  const server = createServer({
    config: {
      // As `serve` gives it: the whole configuration.
      ...config,
      host: "127.0.0.1",
      port: 0,
      allowedOrigins: config.allowedOrigins,
      jwt: JWT,
      limits: config.limits,
      realtime: config.realtime,
      responses: config.responses,
      native: config.native,
      rateLimits: config.rateLimits,
      operations: config.operations,
    },
    registry: createModelRegistry(createTestModels(options), config.aliases),
    createAudioDecoder: createLiveDecoder,
    builder: options.builder ?? createModelBuilder({ config }),
    tls: options.tls ?? null,
    ...(options.loads === undefined ? {} : { loads: options.loads }),
    stores,
    logger: createLogger({ level: config.logLevel, write: (line) => void lines.push(line) }),
  });
  const { baseUrl } = await server.listen();
  return { server, baseUrl, keys, stores, logLines: lines };
}

/** The `data:` payloads of a stream, `[DONE]` left as it is. */
export async function readSseData(response: Response): Promise<string[]> {
  const text = await response.text();
  return text
    .split("\n\n")
    .filter((block) => block !== "")
    .map((block) => block.replace(/^data: /, ""));
}
