/** A call of someone who may do everything, for core's own tests. */

import type { Operation } from "@openai-compat/spec";
import { authorise } from "../auth/authorise.ts";
import type { AuthorisedCall } from "../call.ts";

export interface TestCallOptions {
  /** Default `ada`. */
  readonly accountId?: string;
  readonly signal?: AbortSignal;
  /** What the caller may do. Default: everything. */
  readonly can?: readonly string[];
}

export function authoriseTestCall(
  operation: Operation,
  { accountId = "ada", signal = new AbortController().signal, can = ["*"] }: TestCallOptions = {},
): AuthorisedCall {
  return authorise({
    operation,
    principal: {
      accountId,
      appName: null,
      capabilities: [{ domain: "ai", pointers: ["*"], can: [...can] }],
      credential: "jwt",
    },
    requestId: "req_1",
    signal,
    onRateLimit: () => {},
  });
}
