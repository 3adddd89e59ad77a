/** What is refused of a client's event: its client gets it as an `error`, and the session goes on unless it ends with it. */

import { AiError } from "@openai-compat/core";
import type { RealtimeError } from "@openai-compat/core";
import { BETA_MESSAGE } from "./beta.ts";

export class RealtimeRefusal extends Error {
  override readonly name = "RealtimeRefusal";
  readonly error: RealtimeError;
  /** Whether the session ends with it. */
  readonly ends: boolean;

  constructor(error: RealtimeError, ends = false) {
    super(error.message);
    this.error = error;
    this.ends = ends;
  }
}

/** @throws what is no refusal */
export function toRefusal(thrown: unknown): RealtimeRefusal {
  if (thrown instanceof RealtimeRefusal) return thrown;
  if (!(thrown instanceof AiError)) throw thrown;
  const { code, message, param } = thrown;
  return new RealtimeRefusal({ code, message, param });
}

export function refuseBeta(): RealtimeRefusal {
  return new RealtimeRefusal({ code: "beta_disabled", message: BETA_MESSAGE, param: null }, true);
}
