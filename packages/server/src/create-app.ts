/**
 * The HTTP surface as one `fetch` function: routes, and around every answer the headers, CORS and the error envelope.
 * It knows nothing of sockets and processes.
 */

import { Hono } from "hono";
import { AiError, createCallId, toAiError } from "@openai-compat/core";
import type { AiErrorCode, AiService, Authenticator } from "@openai-compat/core";
import { listHttpOperations, operations } from "@openai-compat/spec";
import type { HttpOperation, HttpOperationId } from "@openai-compat/spec";
import type { ActiveSessions } from "./http/active-sessions.ts";
import { createBodyBudget } from "./http/body-budget.ts";
import type { BodyBudget } from "./http/body-budget.ts";
import { createPreflightResponse, isPreflight, setCorsHeaders, variesByOrigin } from "./http/cors.ts";
import type { CorsPolicy } from "./http/cors.ts";
import { decodeBearerToken, resolveRequestId } from "./http/headers.ts";
import { readJsonBounds } from "./http/read-body.ts";
import type { RefusalLimit } from "./http/refusal-limit.ts";
import type { RequestScope } from "./http/request-scope.ts";
import type { ModelManager } from "./models/model-manager.ts";
import { guardStore } from "./stores/ask-store.ts";
import type { Stores } from "./stores/stores.ts";
import { PUBLIC_PATHS } from "./operations/public-routes.ts";
import type { PublicHandlers } from "./operations/public-routes.ts";
import { serveStartPage, wantsStartPage } from "./operations/start-page.ts";
import { decodeTraceParent } from "./operations/trace-parent.ts";
import { createSpeech, createTranscription, createTranslation } from "./surfaces/openai/audio/route.ts";
import { createChatRoute } from "./surfaces/openai/chat-completions/route.ts";
import { createStoredChatHandlers } from "./surfaces/openai/chat-completions/stored-chats.ts";
import { createCompletion } from "./surfaces/openai/completions/route.ts";
import { createEmbedding } from "./surfaces/openai/embeddings/route.ts";
import { listModels, retrieveModel } from "./surfaces/openai/models/route.ts";
import { createOperationRunner } from "./surfaces/openai/operation-handler.ts";
import type { OperationDependencies, OperationHandler, OperationLimits } from "./surfaces/openai/operation-handler.ts";
import { EXPOSED_HEADERS, setAnswerHeaders } from "./surfaces/openai/protocol/answer-headers.ts";
import { encodeError } from "./surfaces/openai/protocol/encode-error.ts";
import { API_ROOT, resolveRoutePath } from "./surfaces/openai/protocol/request-path.ts";
import type {
  CreateAudioDecoder,
  RealtimeDependencies,
  SessionRecord,
} from "./surfaces/openai/realtime/open-realtime.ts";
import { createClientSecretHandler } from "./surfaces/openai/realtime/client-secrets.ts";
import type { ClientSecretDependencies } from "./surfaces/openai/realtime/client-secrets.ts";
import { createConversationItemHandlers } from "./surfaces/openai/conversations/conversation-items.ts";
import { createConversationHandlers } from "./surfaces/openai/conversations/conversations.ts";
import { createBackgroundRuns } from "./surfaces/openai/responses/background/background-runs.ts";
import type { BackgroundRuns } from "./surfaces/openai/responses/background/background-runs.ts";
import { createCompactRoute } from "./surfaces/openai/responses/compact-route.ts";
import { createInputTokensRoute } from "./surfaces/openai/responses/input-tokens.ts";
import { createSeals } from "./surfaces/openai/responses/reasoning-seal.ts";
import { createCallDecoder, createResponseRoute } from "./surfaces/openai/responses/route.ts";
import { createStoredResponseHandlers } from "./surfaces/openai/responses/stored-responses.ts";
import type { DecodeCall, ResponseDependencies } from "./surfaces/openai/responses/route.ts";
import { createResponsesOpener } from "./surfaces/openai/responses/socket/open-responses.ts";
import { createRunningResponseHandlers } from "./surfaces/openai/responses/running-responses.ts";
import { createRealtimeOpener } from "./surfaces/openai/realtime/open-realtime.ts";
import type { RealtimeSettings } from "./surfaces/openai/realtime/settings.ts";
import type { ResponseSettings } from "./surfaces/openai/responses/settings.ts";
import { createNativeHandlers } from "./surfaces/native/handlers.ts";
import { NATIVE_ROOT, createNativeHandler } from "./surfaces/native/handle-request.ts";
import { createNativeRouter } from "./surfaces/native/router.ts";
import { createSubscriptionRuns } from "./surfaces/native/subscription-runs.ts";
import type { SubscriptionRuns } from "./surfaces/native/subscription-runs.ts";
import type { NativeSettings } from "./surfaces/native/settings.ts";
import { createNativeSocketOpener } from "./surfaces/native/socket/open-socket.ts";
import type { ObserveCall } from "./surfaces/native/socket/socket-calls.ts";
import { describeUnserved, findDocumentedOperation } from "./surfaces/openai/unserved-paths.ts";
import type { UnservedRequest } from "./surfaces/openai/unserved-paths.ts";

/** Total: a request of the specification without a handler does not compile. */
function createHandlers(
  secrets: ClientSecretDependencies,
  state: ResponseDependencies,
  decodeCall: DecodeCall,
): Readonly<Record<HttpOperationId, OperationHandler>> {
  return {
    listModels,
    retrieveModel,
    createChatCompletion: createChatRoute(state),
    ...createStoredChatHandlers(state),
    createCompletion,
    createResponse: createResponseRoute(decodeCall, state.backgrounds),
    Getinputtokencounts: createInputTokensRoute(state),
    Compactconversation: createCompactRoute(state),
    ...createRunningResponseHandlers(state),
    ...createStoredResponseHandlers(state),
    ...createConversationHandlers(state),
    ...createConversationItemHandlers(state),
    createEmbedding,
    createTranscription,
    createTranslation,
    createSpeech,
    "create-realtime-client-secret": createClientSecretHandler(secrets),
  };
}

/** What is routed. A session over a WebSocket is no request: it begins with an upgrade. */
const OPERATIONS: readonly (HttpOperation & { readonly id: HttpOperationId })[] = listHttpOperations(operations);

export interface AppOptions {
  readonly authenticator: Authenticator;
  readonly service: AiService;
  readonly allowedOrigins: readonly string[];
  readonly limits: OperationLimits;
  readonly realtime: RealtimeSettings;
  readonly responses: ResponseSettings;
  readonly native: NativeSettings;
  readonly createAudioDecoder: CreateAudioDecoder;
  readonly models: ModelManager;
  readonly stores: Pick<Stores, "clientSecrets" | "tasks" | "apiKeys" | "credits" | "responses" | "responseRuns">;
  /** Where open sessions are kept. */
  readonly sessions: ActiveSessions;
  /** Called with each call on a WebSocket, for log, metrics and traces. Default: ignored. */
  readonly observeCall?: ObserveCall;
  /** Called with every session that has ended, for log and metrics. Default: ignored. */
  readonly onSessionEnd?: (record: SessionRecord) => void;
  readonly refusalLimit: RefusalLimit;
  /** What answers outside of the API, without a credential. Default: nothing does. */
  readonly publicHandlers?: PublicHandlers;
  /** Called with every refusal and failure, for metrics. Default: ignored. */
  readonly onError?: (error: AiError, scope: RequestScope) => void;
  /**
   * Called with the cause of a failure of the server or an engine, also in the middle of a stream; the caller does not
   * get it.
   */
  readonly onInternalError: (error: AiError, requestId: string) => void;
}

export interface App {
  /** Answers every request; it never rejects. @param scope default: one that follows the request's own signal. */
  readonly fetch: (request: Request, scope?: RequestScope) => Promise<Response>;
  /** Everything that is routed, the API below `/v1`; other mounts are folded into it. */
  readonly routes: readonly AppRoute[];
  /** Called when the server begins to stop: what goes on without a connection ends with the reason. */
  readonly stop: (reason: AiError) => void;
  /** Responses that run in the background. */
  readonly backgrounds: BackgroundRuns;
}

export interface AppRoute {
  readonly method: string;
  /** As the router writes it: `/v1/models/:model{.+}`. */
  readonly path: string;
}

/** Failures that only the operator can fix. */
const OPERATOR_ERRORS: ReadonlySet<AiErrorCode> = new Set([
  "internal",
  "engine_failed",
  "engine_unavailable",
  "identity_unavailable",
  "limits_unavailable",
  "store_unavailable",
  "billing_unavailable",
  "upstream_failed",
  "upstream_unavailable",
  "upstream_timeout",
]);

export function createApp(options: AppOptions): App {
  const reportError = (error: AiError, scope: RequestScope) => {
    options.onError?.(error, scope);
    if (OPERATOR_ERRORS.has(error.code)) options.onInternalError(error, scope.requestId);
  };
  const runs = createSubscriptionRuns(options.native);
  const stopping = new AbortController();
  const { responses, responseRuns, credits } = options.stores;
  const backgrounds = createBackgroundRuns({
    runs: guardStore(responseRuns),
    responses: guardStore(responses),
    credits,
    settings: options.responses,
    onError: (error, { id }) => options.onInternalError(error, id),
  });
  const parts = { reportError, runs, stopping: stopping.signal, backgrounds };
  const router = createRouter({ onSessionEnd: () => {}, ...options, ...parts });
  const cors: CorsPolicy = { allowedOrigins: options.allowedOrigins, exposedHeaders: EXPOSED_HEADERS };

  async function answer(request: Request, scope: RequestScope): Promise<Response> {
    try {
      scope.controller.signal.throwIfAborted();
      if (isPreflight(request)) return createPreflightResponse(request, options.allowedOrigins);
      return await router.fetch(request, scope);
    } catch (thrown) {
      const error = toAiError(thrown, scope.controller.signal);
      reportError(error, scope);
      return encodeError(error);
    }
  }

  return {
    async fetch(request, scope = createRequestScope(request)) {
      const startedAt = performance.now();
      const response = await answer(request, scope);
      const processingMs = performance.now() - startedAt;
      const set = scope.setHeader ?? ((name: string, value: string) => response.headers.set(name, value));
      const { answerHeaders, requestId, headers } = scope;
      for (const name of Object.keys(answerHeaders)) set(name, answerHeaders[name] ?? "");
      setAnswerHeaders(set, { requestId, processingMs });
      setCorsHeaders(set, headers.get("origin"), cors);
      if (variesByOrigin(cors)) response.headers.append("vary", "Origin");
      return response;
    },
    routes: router.routes.map(({ method, path }) => ({ method, path })),
    stop(reason) {
      runs.close(reason);
      stopping.abort(reason);
    },
    backgrounds,
  };
}

function createRequestScope(request: Request): RequestScope {
  const controller = new AbortController();
  request.signal.addEventListener("abort", () => controller.abort(), { once: true });
  return {
    requestId: resolveRequestId(request.headers),
    callId: createCallId(),
    headers: request.headers,
    peerAddress: null,
    traceParent: decodeTraceParent(request.headers),
    facts: { operationId: null, accountId: null, isUsageRequested: null },
    controller,
    body: null,
    upgrade: null,
    requestBody: () => {},
    answerHeaders: {},
    setHeader: null,
    afterAnswer: null,
    drop: () => {},
  };
}

type RouterDependencies = Omit<OperationDependencies, "bodies"> &
  Omit<RealtimeDependencies, "settings" | "bounds" | "bodies"> &
  AppOptions & {
    readonly runs: SubscriptionRuns;
    readonly backgrounds: BackgroundRuns;
    /** Aborted with an `AiError` when the server begins to stop. */
    readonly stopping: AbortSignal;
  };

function createRouter(dependencies: RouterDependencies): Hono<{ Bindings: RequestScope }> {
  const { publicHandlers, realtime: settings, limits } = dependencies;
  const bodies = createBodyBudget(limits);
  const run = createOperationRunner({ ...dependencies, bodies });
  const sockets = { settings, bounds: readJsonBounds(limits), bodies };
  const openRealtime = createRealtimeOpener({ ...dependencies, ...sockets });
  const router = new Hono<{ Bindings: RequestScope }>({
    getPath: (request) => resolveRoutePath(request.url),
  });
  const { backgrounds, stores } = dependencies;
  const { clientSecrets, responses } = stores;
  const { secretKey } = dependencies.responses;
  const seals = createSeals(secretKey === null ? null : Buffer.from(secretKey, "base64"));
  const state = { responses: guardStore(responses), settings: dependencies.responses, seals, backgrounds };
  const decodeCall = createCallDecoder(state);
  const handlers = createHandlers({ clientSecrets, settings }, state, decodeCall);
  for (const operation of OPERATIONS) {
    router.on(operation.method, `${API_ROOT}${encodeRoutePattern(operation.path)}`, (context) =>
      run(operation, handlers[operation.id], {
        request: context.req.raw,
        scope: context.env,
        pathParameter: (name) => context.req.param(name) ?? "",
      }),
    );
  }
  router.get(`${API_ROOT}${operations.connectRealtime.path}`, ({ req, env }) => openRealtime(req.raw, env));
  const openResponses = createResponsesOpener({ ...dependencies, ...sockets, state, decodeCall });
  router.get(`${API_ROOT}${operations.createResponse.path}`, ({ req, env }, next) =>
    env.upgrade === null ? next() : openResponses(req.raw, env, env.upgrade),
  );
  routeNative(router, dependencies, bodies);
  if (publicHandlers !== undefined) {
    for (const path of PUBLIC_PATHS) router.get(path, ({ req, env }) => publicHandlers[path](req.raw, env));
  }
  router.onError((thrown) => {
    throw thrown;
  });
  router.notFound(async ({ req, env }) => {
    if (findDocumentedOperation(req.method, req.path) !== null) {
      // A stranger is told as much of these as of those that are served.
      const principal = await dependencies.authenticator.authenticate(decodeBearerToken(env.headers));
      env.facts.accountId = principal.accountId;
      throw new AiError("route_not_found", describeUnserved(readUnserved(req.raw, req.path)));
    }
    return answerUnrouted(req.raw, req.path, listAllowedMethods(router, req.path));
  });
  return router;
}

const ignoreCall: ObserveCall = () => ({
  traceParent: null,
  facts: { operationId: null, accountId: null, isUsageRequested: null },
  end: () => {},
});

/** tRPC's requests, and its WebSockets at the mount itself. */
function routeNative(
  router: Hono<{ Bindings: RequestScope }>,
  dependencies: RouterDependencies,
  bodies: BodyBudget,
): void {
  const { service, runs, limits, native: settings, observeCall = ignoreCall } = dependencies;
  const nativeRouter = createNativeRouter({ handlers: createNativeHandlers(dependencies), service, runs });
  const shared = { ...dependencies, bodies, router: nativeRouter };
  const handle = createNativeHandler({ ...shared, batchCallsMax: settings.batchCallsMax });
  const openSocket = createNativeSocketOpener({
    ...shared,
    settings,
    bounds: readJsonBounds(limits),
    observe: observeCall,
  });
  router.get(NATIVE_ROOT, ({ req, env }) => openSocket(req.raw, env));
  router.on(["GET", "POST"], `${NATIVE_ROOT}/:path{.+}`, ({ req, env: scope }) =>
    handle({ request: req.raw, scope, path: req.param("path") }),
  );
}

/** `/models/{model}` as the router writes it; the id of a model takes raw slashes too, because it may hold them. */
function encodeRoutePattern(path: string): string {
  return path.replace(/\{(model)\}$/, ":$1{.+}").replaceAll(/\{(\w+)\}/g, ":$1");
}

function listAllowedMethods(router: Hono<{ Bindings: RequestScope }>, path: string): string[] {
  const methods = new Set(OPERATIONS.map((operation) => operation.method));
  const allowed: string[] = [...methods].filter((method) => router.router.match(method, path)[0].length > 0);
  if (allowed.includes("GET")) allowed.push("HEAD");
  return allowed.length === 0 ? [] : [...allowed, "OPTIONS"];
}

const SHOWN_PATH_LENGTH_MAX = 200;

function readUnserved(request: Request, path: string): UnservedRequest {
  return { method: request.method, sentPath: new URL(request.url).pathname.slice(0, SHOWN_PATH_LENGTH_MAX), path };
}

function answerUnrouted(request: Request, path: string, allowedMethods: readonly string[]): Response {
  if (wantsStartPage(request, path)) return serveStartPage(request);
  const unserved = readUnserved(request, path);
  if (allowedMethods.length === 0) throw new AiError("route_not_found", describeUnserved(unserved));
  const { method, sentPath } = unserved;
  const allow = allowedMethods.join(", ");
  if (method === "OPTIONS") return new Response(null, { status: 204, headers: { allow } });
  const message = `Not allowed to ${method} on ${sentPath}. Allowed: ${allow}.`;
  return encodeError(new AiError("method_not_allowed", message), { allow });
}
