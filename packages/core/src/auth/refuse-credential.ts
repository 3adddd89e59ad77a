/**
 * The one wording of a refused credential. Unknown, revoked, malformed, signed by another: the answer does not disclose
 * which it was, nor whether an account or a key exists.
 */

import { AiError } from "../ai-error.ts";

/** @param cause for logs alone. */
export function refuseCredential(cause?: unknown): AiError {
  return new AiError("invalid_credentials", "Incorrect API key provided.", { cause });
}
