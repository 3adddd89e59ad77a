/** The capability stage: a principal and an operation become an `AuthorisedCall`, or 403's cause is thrown. */

import type { Operation } from "@openai-compat/spec";
import type { OnRateLimit } from "../admission/rate-limits.ts";
import { AiError } from "../ai-error.ts";
import type { AuthorisedCall } from "../call.ts";
import { isGranted } from "../principal.ts";
import type { Principal } from "../principal.ts";

export interface AuthoriseOptions {
  readonly operation: Operation;
  readonly principal: Principal;
  readonly requestId: string;
  readonly signal: AbortSignal;
  /** Is told where the account stands with its rate limits, as soon as they were looked at. */
  readonly onRateLimit: OnRateLimit;
}

/** @throws AiError `capability_missing` when no grant of the principal covers the operation. */
export function authorise(options: AuthoriseOptions): AuthorisedCall {
  const { operation, principal } = options;
  const { domain, can } = operation.capability;
  if (!isGranted(principal, operation.capability)) {
    throw new AiError(
      "capability_missing",
      `This credential may not use ${operation.method} ${operation.path}: it lacks the capability ${can} in the domain "${domain}".`,
    );
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- this stage is the one that may brand its output
  return { ...options } as AuthorisedCall;
}
