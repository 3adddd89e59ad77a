/** What tRPC passes to each call of a request or a connection. */

import type { AuthorisedCall } from "@openai-compat/core";
import type { NativePath } from "@openai-compat/spec";

export interface NativeContext {
  readonly requestId: string;
  readonly traceParent: string | null;
  /** Where the client resumes a subscription, as its transport says it. */
  readonly lastEventId: string | null;
  /**
   * Authorises one call.
   *
   * @param signal of the call. Default: that of the request, or of the call on its connection. Aborted with an
   *   `AiError` it ends a resumable subscription; for any other reason the client has lost its connection.
   * @throws AiError `capability_missing`
   */
  readonly openCall: (path: NativePath, signal?: AbortSignal) => AuthorisedCall;
  /** The input of a call as parsed JSON; it is read once, when the first call asks for it. @throws AiError */
  readonly readInput: (batchIndex: number) => Promise<unknown>;
}
