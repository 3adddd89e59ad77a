/** How an upstream lets a call down, in the engine's own words; what the caller is told of it is decided here too. */

import { AiError } from "@openai-compat/core";

/**
 * `unreachable`: not one byte of the request went out. `timeout`, `broken`: the connection stalled or died.
 * `invalid`: it answered, but nonsense or too much.
 */
export type UpstreamFaultKind = "unreachable" | "timeout" | "broken" | "invalid";

/** `message` is for logs: it may name the upstream, and holds no key and nothing of the request. */
export class UpstreamFault extends Error {
  override readonly name = "UpstreamFault";
  readonly kind: UpstreamFaultKind;

  constructor(kind: UpstreamFaultKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

export function toUpstreamError(fault: UpstreamFault): AiError {
  switch (fault.kind) {
    case "unreachable":
      return new AiError("upstream_unavailable", "The model can't be reached at the moment. Please try again.", {
        cause: fault,
      });
    case "timeout":
      return new AiError("upstream_timeout", "The model took too long to answer.", { cause: fault });
    case "broken":
      return new AiError("upstream_failed", "The model broke off its answer. Please try again.", { cause: fault });
    case "invalid":
      return new AiError("upstream_failed", "The model gave an answer that can't be used.", { cause: fault });
  }
}

/** Whether the other side failed in a way that other calls would meet too. */
export function isBreakdown(thrown: unknown): boolean {
  return thrown instanceof UpstreamFault && thrown.kind !== "invalid";
}
