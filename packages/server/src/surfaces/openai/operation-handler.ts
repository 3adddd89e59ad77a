/**
 * What an endpoint's route is made of: a handler that gets an authorised call, never a bare request. The stages before
 * it are run here, for every operation alike, so no route can forget them.
 */

import { AiError, authorise } from "@openai-compat/core";
import type { AiService, AuthorisedCall, Authenticator, RelayField } from "@openai-compat/core";
import type { Operation } from "@openai-compat/spec";
import { createBodyBudget } from "../../http/body-budget.ts";
import type { BodyBudgetLimits } from "../../http/body-budget.ts";
import { decodeBearerToken } from "../../http/headers.ts";
import { setRateLimitHeaders } from "./protocol/rate-limit-headers.ts";
import { readJsonBody } from "../../http/read-body.ts";
import type { BodyLimits, JsonBody } from "../../http/read-body.ts";
import { readFormBody } from "../../http/read-form.ts";
import type { RefusalLimit } from "../../http/refusal-limit.ts";
import type { RequestScope } from "../../http/request-scope.ts";

/** The parts of the server that a handler may use. */
export interface OperationContext {
  readonly service: AiService;
  /** A parameter of the path, decoded. */
  readonly pathParameter: (name: string) => string;
  /** The body as parsed JSON, read on this call and not before. */
  readonly readJson: () => Promise<JsonBody>;
  /** The body as the fields of a form, read on this call and not before. */
  readonly readForm: () => Promise<readonly RelayField[]>;
  /** What an upstream's work is to be traced under (W3C Trace Context); null for nothing. */
  readonly traceParent: string | null;
  readonly streaming: StreamTimes;
  /** Gets the error that ends an answer which has begun; one that is thrown before that is reported by itself. */
  readonly reportError: (error: AiError) => void;
  /** Aborts the call and ends its connection: the client has gone, or might as well have. */
  readonly leave: () => void;
}

/** What keeps a stream alive, and what ends it. */
export interface StreamTimes {
  /** How long a call may take to begin before the head of its stream is sent anyway. */
  readonly headersAfterMs: number;
  /** After how much silence a comment is sent. */
  readonly keepAliveMs: number;
  /** How long a client may leave events unread. */
  readonly stallTimeoutMs: number;
}

export type OperationHandler = (call: AuthorisedCall, context: OperationContext) => Response | Promise<Response>;

export interface OperationLimits extends BodyLimits, BodyBudgetLimits {
  /** How long a client may leave a stream's event untaken. */
  readonly streamStallTimeoutMs: number;
  /** How long a streamed call may take to begin before its head is sent anyway. */
  readonly streamHeadersAfterMs: number;
  /** After how much silence of a stream a comment is sent. */
  readonly streamKeepAliveMs: number;
}

export interface OperationDependencies {
  readonly authenticator: Authenticator;
  readonly service: AiService;
  readonly limits: OperationLimits;
  readonly refusalLimit: RefusalLimit;
  readonly reportError: (error: AiError, scope: RequestScope) => void;
}

export interface OperationInput {
  readonly request: Request;
  readonly scope: RequestScope;
  readonly pathParameter: (name: string) => string;
}

/**
 * authenticate (401) → authorise (403) → the account's limit of refused requests (429) → the handler, which reads the body
 * (400, 413, 415) and calls the service.
 */
export function createOperationRunner(dependencies: OperationDependencies) {
  const { authenticator, service, limits, refusalLimit, reportError } = dependencies;
  const bodies = createBodyBudget(limits);
  const streaming: StreamTimes = {
    headersAfterMs: limits.streamHeadersAfterMs,
    keepAliveMs: limits.streamKeepAliveMs,
    stallTimeoutMs: limits.streamStallTimeoutMs,
  };
  return async (operation: Operation, handler: OperationHandler, input: OperationInput): Promise<Response> => {
    const { request, scope } = input;
    scope.facts.operationId = operation.id;
    const principal = await authenticator.authenticate(decodeBearerToken(scope.headers));
    scope.facts.accountId = principal.accountId;
    const call = authorise({
      operation,
      principal,
      requestId: scope.requestId,
      signal: scope.controller.signal,
      onRateLimit: (kind, facts) => setRateLimitHeaders(scope.answerHeaders, kind, facts),
    });
    const hasBody = operation.method === "POST";
    if (hasBody) refusalLimit.check(principal.accountId);
    const share = bodies.open(principal.accountId);
    const { headers, body: source, requestBody: onRead } = scope;
    const reading = { headers, source, signal: call.signal, onRead, share };
    try {
      return await handler(call, {
        service,
        pathParameter: input.pathParameter,
        readJson: () => readJsonBody(request, limits, reading),
        readForm: () => readFormBody(request, limits, reading),
        streaming,
        traceParent: scope.traceParent,
        reportError: (error) => reportError(error, scope),
        leave: () => {
          scope.controller.abort();
          scope.drop();
        },
      });
    } catch (thrown) {
      if (hasBody && thrown instanceof AiError) refusalLimit.count(principal.accountId, thrown, share.bytes);
      throw thrown;
    } finally {
      share.release();
    }
  };
}
