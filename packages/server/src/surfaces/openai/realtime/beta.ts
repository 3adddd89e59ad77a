/** The beta of the API, which OpenAI ended in May 2026: who still speaks it gets the same answer here as there. */

import type { RequestHeaders } from "../../../http/headers.ts";

export const BETA_ERROR = {
  code: "beta_api_shape_disabled",
  message: "The Realtime Beta API is no longer supported. Please use /v1/realtime for the GA API.",
} as const;

const BETA_SUBPROTOCOL = "openai-beta.realtime-v1";

/** Whether a client asks for the beta before its first event. */
export function asksForBeta(headers: RequestHeaders, subprotocols: readonly string[]): boolean {
  const features = (headers.get("openai-beta") ?? "").split(",").map((feature) => feature.trim().toLowerCase());
  return features.includes("realtime=v1") || subprotocols.includes(BETA_SUBPROTOCOL);
}
