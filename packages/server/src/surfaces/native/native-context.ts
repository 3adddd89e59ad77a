/** What tRPC passes to each call of a request or a connection. */

import type { AuthorisedCall } from "@openai-compat/core";
import type { NativePath } from "@openai-compat/spec";

export interface NativeContext {
  readonly requestId: string;
  readonly traceParent: string | null;
  /** Where the client resumes a subscription, as its transport says it. */
  readonly lastEventId: string | null;
  /** Authorises one call. @throws AiError `capability_missing`, `rate_limited` */
  readonly openCall: (path: NativePath) => AuthorisedCall;
  /** The input of a call as parsed JSON; it is read once, when the first call asks for it. @throws AiError */
  readonly readInput: (batchIndex: number) => Promise<unknown>;
}
