/** The capability stage: a principal and an operation become an `AuthorisedCall`, or 403's cause is thrown. */

import type { OnRateLimit } from "../admission/rate-limits.ts";
import { AiError } from "../ai-error.ts";
import type { AuthorisedCall, CallOperation } from "../call.ts";
import { isGranted } from "../principal.ts";
import type { Principal } from "../principal.ts";

export interface AuthoriseOptions {
  readonly operation: CallOperation;
  /**
   * How its surface names the operation to the caller, `POST /chat/completions` for one. Used in the message of a
   * refusal.
   */
  readonly shownAs: string;
  readonly principal: Principal;
  /** Of this call alone; see `createCallId`. */
  readonly callId: string;
  readonly requestId: string;
  readonly signal: AbortSignal;
  /** Called with the account's rate-limit state, as soon as it was read. */
  readonly onRateLimit: OnRateLimit;
}

/** @throws AiError `capability_missing` when no grant of the principal covers the operation. */
export function authorise(options: AuthoriseOptions): AuthorisedCall {
  const { operation, shownAs, principal, callId, requestId, signal, onRateLimit } = options;
  const { domain, can } = operation.capability;
  if (!isGranted(principal, operation.capability)) {
    throw new AiError(
      "capability_missing",
      `This credential may not use ${shownAs}: it lacks the capability ${can} in the domain "${domain}".`,
    );
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- this stage is the one that may brand its output
  return { operation, principal, callId, requestId, signal, onRateLimit } as AuthorisedCall;
}

export function createCallId(): string {
  return `call_${crypto.randomUUID().replaceAll("-", "")}`;
}
