/**
 * The calls of one WebSocket that have not ended: starts them, stops them, and sends what they answer. A call makes its
 * next event when the network has taken the last one, so that little waits to be sent however slow the client is.
 */

import { AiError, authorise, createCallId, createWorkSlices, stringifyInSlices, toAiError } from "@openai-compat/core";
import type { Principal } from "@openai-compat/core";
import { nativeProcedures } from "@openai-compat/spec";
import { callTRPCProcedure, isTrackedEnvelope } from "@trpc/server";
import { ERROR_STATUSES } from "../../../http/error-status.ts";
import { createRequestId } from "../../../http/headers.ts";
import type { RequestHeaders } from "../../../http/headers.ts";
import type { RefusalLimit } from "../../../http/refusal-limit.ts";
import type { RequestScope } from "../../../http/request-scope.ts";
import type { WebSocketConnection } from "../../../http/websocket.ts";
import type { RequestObservation } from "../../../operations/telemetry.ts";
import { NATIVE_ROOT } from "../handle-request.ts";
import { decodeTrpcError, encodeNativeError } from "../map-error.ts";
import type { NativeContext } from "../native-context.ts";
import type { NativeRouter } from "../native-router.ts";
import { isNativePath } from "../router.ts";
import type { CallRequest, RequestId } from "./decode-message.ts";

export interface SocketCallsOptions {
  readonly router: NativeRouter;
  readonly connection: WebSocketConnection;
  /** Of the request that opened the connection: each call has one like it. */
  readonly scope: RequestScope;
  /** Asked for each call. @throws AiError where the credential is good no more */
  readonly authenticate: () => Promise<Principal>;
  readonly refusalLimit: RefusalLimit;
  readonly callsMax: number;
  readonly reportError: (error: AiError, scope: RequestScope) => void;
  readonly observe: ObserveCall;
  /** Called when the last of them has ended. */
  readonly onIdle: () => void;
}

/** Called with each call, for log, metrics and traces. */
export type ObserveCall = (call: {
  readonly requestId: string;
  readonly callId: string;
  readonly method: string;
  readonly path: string;
  readonly headers: RequestHeaders;
}) => RequestObservation;

export interface SocketCalls {
  readonly count: number;
  /** Resolves when the call has ended. It never rejects. @param bytes of its message */
  start(request: CallRequest, bytes: number): Promise<void>;
  /** What the client does not want any more. Of an id that is not known it does nothing: the call may have ended. */
  stop(id: RequestId): void;
  /** Answers a request with an error. Resolves when it has been taken. */
  refuse(id: RequestId, error: AiError, kind?: CallRequest["kind"]): Promise<void>;
  /** Refuses new calls with this error, and lets those that run end. */
  drain(reason: AiError): void;
  /** Ends all calls with this error, and refuses new ones. */
  abort(reason: AiError): void;
  /** Called when the connection is gone: ends all calls, but for subscriptions that a client may resume. */
  leave(): void;
}

/** Says that a client stopped its subscription itself: its work is of no use any more. */
class SubscriptionStopped extends AiError {
  constructor() {
    super("cancelled", "The client stopped the call.");
  }
}

export function createSocketCalls(options: SocketCallsOptions): SocketCalls {
  const { connection, callsMax, onIdle } = options;
  const running = new Map<RequestId, AbortController>();
  let ending: AiError | null = null;

  async function refuse(id: RequestId, error: AiError, kind: CallRequest["kind"] | null = null): Promise<void> {
    options.reportError(error, options.scope);
    const place = { requestId: options.scope.requestId, path: null, isSubscription: kind === "subscription" };
    await connection.sendInTurn(JSON.stringify({ id, error: encodeNativeError(error, place) }));
  }

  async function run(request: CallRequest, bytes: number): Promise<void> {
    const { id, kind } = request;
    if (ending !== null) return refuse(id, ending, kind);
    if (running.has(id)) return refuse(id, duplicate(id), kind);
    if (running.size >= callsMax) return refuse(id, tooManyCalls(callsMax), kind);
    const controller = new AbortController();
    running.set(id, controller);
    const call = new SocketCall(request, controller, options);
    const last = await call.run(bytes);
    // First: the client may use the id again as soon as it has the last message.
    running.delete(id);
    await connection.sendInTurn(last);
  }

  return {
    get count() {
      return running.size;
    },
    async start(request, bytes) {
      await run(request, bytes);
      if (running.size === 0) onIdle();
    },
    stop: (id) => running.get(id)?.abort(new SubscriptionStopped()),
    refuse,
    drain(reason) {
      ending ??= reason;
    },
    abort(reason) {
      ending = reason;
      for (const controller of running.values()) controller.abort(reason);
    },
    leave() {
      // Not with an `AiError`, which would end the work of a subscription for good.
      for (const controller of running.values()) controller.abort();
    },
  };
}

/** What log and metrics have in place of the method of a request. */
const METHOD = "WS";

class SocketCall {
  readonly #request: CallRequest;
  readonly #options: SocketCallsOptions;
  readonly #scope: RequestScope;
  readonly #observation: RequestObservation;

  constructor(request: CallRequest, controller: AbortController, options: SocketCallsOptions) {
    const ids = { requestId: createRequestId(), callId: createCallId() };
    this.#request = request;
    this.#options = options;
    this.#observation = options.observe({
      ...ids,
      method: METHOD,
      path: `${NATIVE_ROOT}/${request.path}`,
      headers: options.scope.headers,
    });
    const { facts, traceParent } = this.#observation;
    facts.operationId = isNativePath(request.path) ? request.path : null;
    this.#scope = { ...options.scope, ...ids, facts, traceParent, controller, answerHeaders: {} };
  }

  /** @returns its last message. */
  async run(bytes: number): Promise<string | Uint8Array> {
    const { id, kind, path } = this.#request;
    const { signal } = this.#scope.controller;
    let accountId: string | null = null;
    try {
      const principal = await this.#options.authenticate();
      ({ accountId } = principal);
      this.#scope.facts.accountId = accountId;
      const result = await this.#call(principal);
      const last = kind === "subscription" ? await this.#passOn(result) : await this.#encode(result);
      this.#observation.end(200, !this.#options.connection.signal.aborted);
      return last;
    } catch (thrown) {
      const error = signal.aborted ? toAiError(signal.reason, signal) : decodeTrpcError(thrown, signal);
      if (accountId !== null) this.#options.refusalLimit.count(accountId, error, bytes);
      this.#options.reportError(error, this.#scope);
      this.#observation.end(ERROR_STATUSES[error.code], !this.#options.connection.signal.aborted);
      if (kind === "subscription" && signal.reason instanceof SubscriptionStopped) return encodeResult(id, "stopped");
      const { requestId } = this.#scope;
      const isSubscription = kind === "subscription";
      return JSON.stringify({ id, error: encodeNativeError(error, { requestId, path, isSubscription }) });
    }
  }

  #call(principal: Principal): Promise<unknown> {
    const { path, kind, input, lastEventId } = this.#request;
    const { requestId, callId, traceParent, controller } = this.#scope;
    const { signal } = controller;
    signal.throwIfAborted();
    const context: NativeContext = {
      requestId,
      traceParent,
      lastEventId,
      openCall: (procedure, ofWork = signal) =>
        authorise({
          operation: { id: procedure, capability: nativeProcedures[procedure].capability },
          shownAs: `the procedure '${procedure}'`,
          principal,
          callId,
          requestId,
          signal: ofWork,
          onRateLimit: () => {},
        }),
      readInput: () => {
        this.#options.refusalLimit.check(principal.accountId);
        return Promise.resolve(input);
      },
    };
    const getRawInput = () => Promise.resolve(undefined);
    return callTRPCProcedure({
      router: this.#options.router,
      path,
      type: kind,
      getRawInput,
      ctx: context,
      signal,
      batchIndex: 0,
    });
  }

  async #encode(data: unknown): Promise<string | Uint8Array> {
    const { id } = this.#request;
    const { signal } = this.#scope.controller;
    return stringifyInSlices({ id, result: { type: "data", data } }, createWorkSlices({ signal }));
  }

  /** The events of a subscription. It ends when they do, or their call is aborted, or the connection is gone. */
  async #passOn(events: unknown): Promise<string> {
    const { id } = this.#request;
    const { connection } = this.#options;
    const { signal } = this.#scope.controller;
    await connection.sendInTurn(encodeResult(id, "started"));
    for await (const event of requireEvents(events)) {
      if (signal.aborted || connection.signal.aborted) break;
      await connection.sendInTurn(encodeEvent(id, event));
    }
    signal.throwIfAborted();
    return encodeResult(id, "stopped");
  }
}

function encodeResult(id: RequestId, type: "started" | "stopped"): string {
  return JSON.stringify({ id, result: { type } });
}

function encodeEvent(id: RequestId, event: unknown): string {
  if (!isTrackedEnvelope(event)) return JSON.stringify({ id, result: { type: "data", data: event } });
  const [eventId, data] = event;
  return JSON.stringify({ id, result: { type: "data", id: eventId, data: { id: eventId, data } } });
}

function requireEvents(events: unknown): AsyncIterable<unknown> {
  if (typeof events === "object" && events !== null && Symbol.asyncIterator in events) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it has the one method of the type
    return events as AsyncIterable<unknown>;
  }
  throw new TypeError("A subscription gives events.");
}

function duplicate(id: RequestId): AiError {
  return new AiError("invalid_request", `A call with the id ${JSON.stringify(id)} has not ended on this connection.`);
}

function tooManyCalls(callsMax: number): AiError {
  const message = `This connection has as many calls as it may have at the same time (${callsMax}). Try again later.`;
  return new AiError("queue_full", message, { retryAfterMs: 1000 });
}
