/** Why sessions end, in the words that their clients get. */

import type { AiError } from "../ai-error.ts";
import type { RealtimeError } from "./realtime-session.ts";

/** Whether a credential is no good, rather than not examined. */
export function isRefusal({ code }: AiError): boolean {
  return code === "missing_credentials" || code === "invalid_credentials" || code === "capability_missing";
}

export function describeError({ code, message, param }: AiError): RealtimeError {
  return { code, message, param };
}

export const SESSION_EXPIRED: RealtimeError = {
  code: "session_expired",
  message: "The session has reached its maximum duration. Open a new one.",
  param: null,
};
export const SESSION_IDLE: RealtimeError = {
  code: "session_idle",
  message: "The session was closed because nothing was sent for too long. Open a new one.",
  param: null,
};
export const SHUTTING_DOWN: RealtimeError = {
  code: "shutting_down",
  message: "The server is shutting down. Please try again in a moment.",
  param: null,
};

/** Of a turn that the end of its session has cut off. */
export const SESSION_ENDED: RealtimeError = {
  code: "cancelled",
  message: "The session ended before the turn was transcribed.",
  param: null,
};
