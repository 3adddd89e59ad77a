/** A call of the same caller that goes on when its request has been answered, or its client has left. */

import { authorise } from "@openai-compat/core";
import type { AuthorisedCall } from "@openai-compat/core";
import type { DetachedCall } from "../../model-route.ts";

export function detachCall({ operation, principal, callId, requestId, onRateLimit }: AuthorisedCall): DetachedCall {
  const controller = new AbortController();
  const shownAs = "POST /responses";
  const { signal } = controller;
  return { controller, call: authorise({ operation, shownAs, principal, callId, requestId, signal, onRateLimit }) };
}
