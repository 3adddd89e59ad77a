/** A call with all capabilities, for core's own tests. */

import { authorise, createCallId } from "../auth/authorise.ts";
import type { AuthorisedCall, CallOperation } from "../call.ts";

export interface TestCallOptions {
  /** Default `ada`. */
  readonly accountId?: string;
  readonly signal?: AbortSignal;
  /** What the caller may do. Default: everything. */
  readonly can?: readonly string[];
}

export function authoriseTestCall(
  operation: CallOperation,
  { accountId = "ada", signal = new AbortController().signal, can = ["*"] }: TestCallOptions = {},
): AuthorisedCall {
  return authorise({
    operation,
    shownAs: operation.id,
    principal: {
      accountId,
      appName: null,
      capabilities: [{ domain: "ai", pointers: ["*"], can: [...can] }],
      credential: "jwt",
      credentialSha256: "0".repeat(64),
      expiresAtMs: null,
    },
    callId: createCallId(),
    requestId: "req_1",
    signal,
    onRateLimit: () => {},
  });
}
