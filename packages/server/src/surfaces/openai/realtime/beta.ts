/** The beta of the API, which OpenAI ended in May 2026: who still speaks it gets the same answer here as there. */

import { isRecord } from "@openai-compat/core";
import type { RequestHeaders } from "../../../http/headers.ts";

export const BETA_MESSAGE = "The Realtime Beta API is no longer supported. Please use /v1/realtime for the GA API.";

const BETA_SUBPROTOCOL = "openai-beta.realtime-v1";

/** What only its sessions had, beside sessions without a type. */
const BETA_FIELDS = ["input_audio_format", "output_audio_format", "input_audio_transcription", "modalities"];

/** Whether a client asks for the beta before its first event. */
export function asksForBeta(headers: RequestHeaders, subprotocols: readonly string[]): boolean {
  const features = (headers.get("openai-beta") ?? "").split(",").map((feature) => feature.trim().toLowerCase());
  return features.includes("realtime=v1") || subprotocols.includes(BETA_SUBPROTOCOL);
}

export function isBetaSession(session: unknown): boolean {
  return isRecord(session) && session["type"] === undefined && BETA_FIELDS.some((field) => field in session);
}
