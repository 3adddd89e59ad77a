/**
 * A request below `/trpc`: authenticates its caller before anything of its input is read, has tRPC call its
 * procedures, each authorised by itself, and answers in tRPC's protocol.
 */

import { AiError, authorise, createCallId, toAiError } from "@openai-compat/core";
import type { Authenticator, Principal } from "@openai-compat/core";
import { nativeProcedures } from "@openai-compat/spec";
import { callTRPCProcedure } from "@trpc/server";
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import type { BodyBudget, BodyShare } from "../../http/body-budget.ts";
import { decodeBearerToken } from "../../http/headers.ts";
import type { RefusalLimit } from "../../http/refusal-limit.ts";
import type { RequestScope } from "../../http/request-scope.ts";
import { SSE_HEADERS } from "../../http/sse.ts";
import type { OperationLimits } from "../openai/operation-handler.ts";
import { encodeErrorHeaders } from "../openai/protocol/encode-error.ts";
import { setRateLimitHeaders } from "../openai/protocol/rate-limit-headers.ts";
import { decodeTrpcError, encodeNativeError } from "./map-error.ts";
import type { NativeContext } from "./native-context.ts";
import type { NativeRouter } from "./native-router.ts";
import { callProcedures } from "./call-procedures.ts";
import { createInputReader } from "./read-input.ts";
import { isNativePath } from "./router.ts";
import { createSubscriptionResponse, encodeFailedSubscription } from "./subscription-response.ts";

/** Where the surface is mounted. */
export const NATIVE_ROOT = "/trpc";

export interface NativeDependencies {
  readonly router: NativeRouter;
  readonly authenticator: Authenticator;
  readonly limits: OperationLimits;
  readonly bodies: BodyBudget;
  readonly refusalLimit: RefusalLimit;
  readonly reportError: (error: AiError, scope: RequestScope) => void;
  /** Calls of a batch. */
  readonly batchCallsMax: number;
}

export interface NativeRequest {
  readonly request: Request;
  readonly scope: RequestScope;
  /** What follows the mount, decoded: a procedure, or those of a batch with commas between them. */
  readonly path: string;
}

interface Opened extends NativeRequest {
  readonly query: URLSearchParams;
  readonly isBatch: boolean;
  /** The only procedure that is called, where it is one. */
  readonly procedure: string | null;
}

/** It does not throw: a refusal is an answer too. */
export function createNativeHandler(dependencies: NativeDependencies): (input: NativeRequest) => Promise<Response> {
  return async (input) => {
    const query = new URL(input.request.url).searchParams;
    const isBatch = query.get("batch") === "1";
    const opened: Opened = { ...input, query, isBatch, procedure: isBatch ? null : input.path };
    try {
      return await answer(opened, dependencies);
    } catch (thrown) {
      const error = toAiError(thrown, input.scope.controller.signal);
      dependencies.reportError(error, input.scope);
      return encodeRefusal(error, opened);
    }
  };
}

async function answer(opened: Opened, dependencies: NativeDependencies): Promise<Response> {
  const { request, scope, path, isBatch } = opened;
  scope.facts.operationId = nameOperation(opened);
  const principal = await dependencies.authenticator.authenticate(decodeBearerToken(scope.headers));
  scope.facts.accountId = principal.accountId;
  if (request.method !== "GET" && request.method !== "POST") {
    throw new AiError(
      "method_not_allowed",
      `Not allowed to ${request.method} a procedure. Allowed: GET, POST, OPTIONS.`,
    );
  }
  const share = dependencies.bodies.open(principal.accountId);
  const context = createContext(opened, { principal, share, dependencies });
  const report = (error: AiError) => {
    dependencies.refusalLimit.count(principal.accountId, error, share.bytes());
    dependencies.reportError(error, scope);
  };
  const calling = { context, dependencies, report, share };
  if (!isBatch && isNativePath(path) && nativeProcedures[path].type === "subscription") {
    return subscribe(opened, calling);
  }
  return call(opened, calling);
}

/** For logs and metrics: never a name that the caller made up. */
function nameOperation({ path, isBatch }: Opened): string | null {
  if (!isBatch) return isNativePath(path) ? path : null;
  const [first = "", ...others] = path.split(",");
  if (!isNativePath(first)) return null;
  return others.every((other) => other === first) ? first : "batch";
}

interface CallerScope {
  readonly principal: Principal;
  readonly share: BodyShare;
  readonly dependencies: NativeDependencies;
}

function createContext(opened: Opened, { principal, share, dependencies }: CallerScope): NativeContext {
  const { request, scope, query, isBatch } = opened;
  const { requestId, traceParent, controller, answerHeaders } = scope;
  let isFirst = true;
  return {
    requestId,
    traceParent,
    lastEventId: scope.headers.get("last-event-id") || query.get("lastEventId") || null,
    openCall(path, signal = controller.signal) {
      // The first call is the request's own in the log; the others of a batch have lines of their own.
      const callId = isFirst || !isBatch ? scope.callId : createCallId();
      isFirst = false;
      return authorise({
        operation: { id: path, capability: nativeProcedures[path].capability },
        shownAs: `the procedure '${path}'`,
        principal,
        callId,
        requestId,
        signal,
        onRateLimit: (kind, state) => setRateLimitHeaders(answerHeaders, kind, state),
      });
    },
    readInput: createInputReader({
      request,
      scope,
      query,
      isBatch,
      limits: dependencies.limits,
      share,
      onRead: () => dependencies.refusalLimit.check(principal.accountId),
    }),
  };
}

interface Calling {
  readonly context: NativeContext;
  /** Of the body: released when nothing reads it any more. */
  readonly share: BodyShare;
  readonly dependencies: NativeDependencies;
  /** Called with the failure of a call. */
  readonly report: (error: AiError) => void;
}

/** @throws AiError `invalid_request` for a batch that is too large */
async function call(opened: Opened, calling: Calling): Promise<Response> {
  const { request, scope, path, isBatch } = opened;
  const { context, dependencies, report, share } = calling;
  const paths = isBatch ? path.split(",") : [path];
  if (paths.length > dependencies.batchCallsMax) {
    const message = `A batch may have at most ${dependencies.batchCallsMax} calls, but this one has ${paths.length}.`;
    throw new AiError("invalid_request", message);
  }
  if (isBatch && wantsLines(scope)) return callInLines(opened, calling);
  const { router } = dependencies;
  const { signal } = scope.controller;
  try {
    return await callProcedures({ router, method: request.method, paths, isBatch, context, signal, report });
  } finally {
    share.release();
  }
}

/** As `httpBatchStreamLink` asks: a line with the answer of each call when it is there. */
function wantsLines({ headers }: RequestScope): boolean {
  const accepted = headers.get("trpc-accept") ?? headers.get("accept") ?? "";
  return accepted.split(",").some((type) => type.trim() === LINES_TYPE);
}

const LINES_TYPE = "application/jsonl";

/** tRPC gets neither body nor input: the context reads them within their bounds. */
async function callInLines({ request, scope, path }: Opened, calling: Calling): Promise<Response> {
  const { context, dependencies, report, share } = calling;
  const { signal } = scope.controller;
  const url = `http://native${NATIVE_ROOT}/${encodeURIComponent(path)}?batch=1`;
  const headers = { "content-type": "application/json", "trpc-accept": LINES_TYPE };
  const response = await fetchRequestHandler({
    router: dependencies.router,
    endpoint: NATIVE_ROOT,
    req: new Request(url, { method: request.method, headers, signal }),
    createContext: () => context,
    allowMethodOverride: true,
    onError: ({ error }) => report(decodeTrpcError(error, signal)),
  });
  if (scope.afterAnswer === null) share.release();
  else scope.afterAnswer(() => share.release());
  // The server frames the body itself.
  response.headers.delete("transfer-encoding");
  return response;
}

function subscribe(opened: Opened, { context, dependencies, report, share }: Calling): Promise<Response> {
  const { scope, path } = opened;
  const { signal } = scope.controller;
  const { router, limits } = dependencies;
  const start = callTRPCProcedure({
    router,
    path,
    getRawInput: async () => undefined,
    ctx: context,
    type: "subscription",
    signal,
    batchIndex: 0,
  });
  void start.finally(() => share.release()).catch(() => {});
  return createSubscriptionResponse(start, {
    place: { requestId: scope.requestId, path, isSubscription: true },
    signal,
    limits,
    // Sound is taken as it is played, and what is watched holds no slot.
    stallClock: path === "promptStream" ? "sum" : "each",
    report,
    disconnect() {
      scope.controller.abort();
      scope.drop();
    },
  });
}

/**
 * A client that reads events alone gets the refusal as an event: an `EventSource` shows nothing of an answer with
 * another status.
 */
function encodeRefusal(error: AiError, { scope, path, procedure }: Opened): Response {
  const isSubscription =
    procedure !== null && isNativePath(procedure) && nativeProcedures[procedure].type === "subscription";
  const shape = encodeNativeError(error, { requestId: scope.requestId, path, isSubscription });
  if (isSubscription && scope.headers.get("accept")?.includes("text/event-stream") === true) {
    return new Response(encodeFailedSubscription(shape), { headers: SSE_HEADERS });
  }
  const headers = encodeErrorHeaders(error);
  return new Response(JSON.stringify({ error: shape }), { status: shape.data.httpStatus, headers });
}
