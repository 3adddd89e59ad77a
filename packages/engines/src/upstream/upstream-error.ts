/** The failure of an upstream in the engine's own terms, and the error that the caller gets for it. */

import { AiError } from "@openai-compat/core";

/**
 * `unreachable`: not one byte of the request went out. `timeout`, `broken`: the connection stalled or died.
 * `invalid`: its answer was malformed or too long.
 */
export type UpstreamErrorKind = "unreachable" | "timeout" | "broken" | "invalid";

/** `message` is for logs: it may name the upstream, and contains no key and no part of the request. */
export class UpstreamError extends Error {
  override readonly name = "UpstreamError";
  readonly kind: UpstreamErrorKind;

  constructor(kind: UpstreamErrorKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

export function toCallerError(error: UpstreamError): AiError {
  switch (error.kind) {
    case "unreachable":
      return new AiError("upstream_unavailable", "The model can't be reached at the moment. Please try again.", {
        cause: error,
      });
    case "timeout":
      return new AiError("upstream_timeout", "The model took too long to answer.", { cause: error });
    case "broken":
      return new AiError("upstream_failed", "The model broke off its answer. Please try again.", { cause: error });
    case "invalid":
      return new AiError("upstream_failed", "The model gave an answer that can't be used.", { cause: error });
  }
}

/** Whether the failure is likely to affect other calls as well. */
export function isBreakdown(thrown: unknown): boolean {
  return thrown instanceof UpstreamError && thrown.kind !== "invalid";
}
