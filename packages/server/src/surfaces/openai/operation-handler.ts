/**
 * What an endpoint's route is made of: a handler that gets an authorised call, never a bare request. The stages before
 * it are run here, for every operation alike, so no route can forget them.
 */

import { AiError } from "@openai-compat/core";
import type { AiService, AuthorisedCall, Authenticator, FormField } from "@openai-compat/core";
import type { HttpOperation } from "@openai-compat/spec";
import type { BodyBudget, BodyBudgetLimits } from "../../http/body-budget.ts";
import { createCallOpener } from "../../http/open-call.ts";
import { setRateLimitHeaders } from "./protocol/rate-limit-headers.ts";
import { readJsonBody } from "../../http/read-body.ts";
import type { BodyLimits, JsonBody, ReadJsonOptions } from "../../http/read-body.ts";
import { readFormBody } from "../../http/read-form.ts";
import type { RefusalLimit } from "../../http/refusal-limit.ts";
import type { RequestScope } from "../../http/request-scope.ts";

/** The parts of the server that a handler may use. */
export interface OperationContext {
  readonly service: AiService;
  /** A parameter of the path, decoded. */
  readonly pathParameter: (name: string) => string;
  readonly query: URLSearchParams;
  /**
   * The body as parsed JSON, read on this call and not before.
   *
   * @param options `whenEmpty`: what no body stands for. Default: it is refused
   */
  readonly readJson: (options?: Pick<ReadJsonOptions, "whenEmpty">) => Promise<JsonBody>;
  /** The body as the fields of a form, read on this call and not before. @param fileFields as of `readFormBody`. */
  readonly readForm: (fileFields: readonly string[]) => Promise<readonly FormField[]>;
  /** Says that the files of the form are not in memory any more. Default: they are until the answer has ended. */
  readonly dropFile: () => void;
  /** What an upstream's work is to be traced under (W3C Trace Context); null for nothing. */
  readonly traceParent: string | null;
  readonly streaming: StreamTimes;
  /** Says that the answer is a stream, and whether the caller wants its usage in it. For the log. */
  readonly noteStream: (isUsageRequested: boolean) => void;
  /** Gets the error that ends an answer which has begun; one that is thrown before that is reported by itself. */
  readonly reportError: (error: AiError) => void;
  /** Aborts the call and ends its connection: the client has disconnected or counts as disconnected. */
  readonly disconnect: () => void;
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
  /** How long a client may leave an event of a stream unread. */
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
  /** Memory that all bodies share. */
  readonly bodies: BodyBudget;
  readonly refusalLimit: RefusalLimit;
  readonly reportError: (error: AiError, scope: RequestScope) => void;
}

/** Most calls have none, and a URL is not parsed for that. Nobody writes to a call's query. */
const NO_QUERY = new URLSearchParams();

export interface OperationInput {
  readonly request: Request;
  readonly scope: RequestScope;
  readonly pathParameter: (name: string) => string;
}

/**
 * authenticate (401) → authorise (403) → the account's limit of refused requests (429) → the handler, which reads the
 * body (400, 413, 415) and calls the service.
 */
export function createOperationRunner(dependencies: OperationDependencies) {
  const { authenticator, service, limits, bodies, refusalLimit, reportError } = dependencies;
  const openCall = createCallOpener(authenticator);
  const streaming: StreamTimes = {
    headersAfterMs: limits.streamHeadersAfterMs,
    keepAliveMs: limits.streamKeepAliveMs,
    stallTimeoutMs: limits.streamStallTimeoutMs,
  };
  return async (operation: HttpOperation, handler: OperationHandler, input: OperationInput): Promise<Response> => {
    const { request, scope } = input;
    const { callId, requestId, facts } = scope;
    const { id, capability, method, path } = operation;
    const call = await openCall(
      { id, capability, shownAs: `${method} ${path}` },
      {
        callId,
        requestId,
        headers: scope.headers,
        signal: scope.controller.signal,
        facts,
        onRateLimit: (kind, state) => setRateLimitHeaders(scope.answerHeaders, kind, state),
      },
    );
    const { accountId } = call.principal;
    const hasBody = method === "POST";
    if (hasBody) refusalLimit.check(accountId);
    const share = bodies.open(accountId);
    const { headers, body: source, requestBody: onRead } = scope;
    const reading = { headers, source, signal: call.signal, onRead, share };
    let isForm = false;
    try {
      return await handler(call, {
        service,
        pathParameter: input.pathParameter,
        query: request.url.includes("?") ? new URL(request.url).searchParams : NO_QUERY,
        readJson: (options) => readJsonBody(request, limits, { ...reading, ...options }),
        readForm: (fileFields) => {
          isForm = true;
          return readFormBody(request, limits, { ...reading, fileFields });
        },
        dropFile() {
          if (isForm) share.release();
        },
        streaming,
        noteStream: (isUsageRequested) => void (facts.isUsageRequested = isUsageRequested),
        traceParent: scope.traceParent,
        reportError: (error) => reportError(error, scope),
        disconnect: () => {
          scope.controller.abort();
          scope.drop();
        },
      });
    } catch (thrown) {
      isForm = false;
      if (hasBody && thrown instanceof AiError) refusalLimit.count(accountId, thrown, share.bytes());
      throw thrown;
    } finally {
      // A file is in memory for as long as its call runs, and a stream goes on after this.
      if (isForm && scope.afterAnswer !== null) scope.afterAnswer(() => share.release());
      else share.release();
    }
  };
}
