/**
 * Opens a call: authenticates its caller (401) and authorises the operation (403), without a response. So a refusal can
 * be answered in any form, before a WebSocket is upgraded for one.
 */

import { authorise, createCallId } from "@openai-compat/core";
import type { AuthorisedCall, Authenticator, CallOperation, OnRateLimit } from "@openai-compat/core";
import { decodeBearerToken } from "./headers.ts";
import type { RequestHeaders } from "./headers.ts";
import type { RequestFacts } from "./request-scope.ts";

export interface OpenedOperation extends CallOperation {
  /** How the surface names it to the caller, `POST /chat/completions` for one. */
  readonly shownAs: string;
}

/** What is known of a call before its caller is. */
export interface CallScope {
  readonly callId: string;
  readonly requestId: string;
  /** Where the credential is. */
  readonly headers: RequestHeaders;
  readonly signal: AbortSignal;
  /** Gets the operation at once and the account as soon as it is known, for logs and metrics. */
  readonly facts: Pick<RequestFacts, "operationId" | "accountId">;
  /** Called with the account's state of a rate limit, whether the call passed it or was refused. */
  readonly onRateLimit: OnRateLimit;
}

/**
 * @throws AiError `missing_credentials`, `invalid_credentials`, `identity_unavailable`, `capability_missing`
 */
export type OpenCall = (operation: OpenedOperation, scope: CallScope) => Promise<AuthorisedCall>;

export function createCallOpener(authenticator: Authenticator): OpenCall {
  return async ({ id, capability, shownAs }, scope) => {
    const { callId, requestId, headers, signal, facts, onRateLimit } = scope;
    facts.operationId = id;
    const principal = await authenticator.authenticate(decodeBearerToken(headers));
    facts.accountId = principal.accountId;
    const operation = { id, capability };
    return authorise({ operation, shownAs, principal, callId, requestId, signal, onRateLimit });
  };
}

/** A session may carry its credential in other places than a header. */
export interface SessionScope extends Omit<CallScope, "headers"> {
  /** Null when the request carries none. */
  readonly token: string | null;
}

export interface OpenedSession {
  /** Of the session as a whole. */
  readonly call: AuthorisedCall;
  /** What the maker of a client secret wants the session to begin with, as JSON; null for any other credential. */
  readonly configuration: string | null;
  /**
   * Authenticates again, for the next turn: the call has an id of its own.
   *
   * @throws AiError as `OpenSession`
   */
  readonly renew: () => Promise<AuthorisedCall>;
}

/**
 * @throws AiError `missing_credentials`, `invalid_credentials`, `identity_unavailable`, `capability_missing`
 */
export type OpenSession = (operation: OpenedOperation, scope: SessionScope) => Promise<OpenedSession>;

export function createSessionOpener(authenticator: Authenticator): OpenSession {
  return async ({ id, capability, shownAs }, scope) => {
    const { callId, requestId, token, signal, facts, onRateLimit } = scope;
    facts.operationId = id;
    const credential = await authenticator.openSession(token);
    facts.accountId = credential.principal.accountId;
    const shared = { operation: { id, capability }, shownAs, requestId, signal, onRateLimit };
    return {
      call: authorise({ ...shared, principal: credential.principal, callId }),
      configuration: credential.configuration,
      renew: async () => authorise({ ...shared, principal: await credential.renew(), callId: createCallId() }),
    };
  };
}
