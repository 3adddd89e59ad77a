/** What a session begins as: by its query, and by the client secret that it is opened with. */

import { AiError, isRecord } from "@openai-compat/core";
import type { OpenRealtimeOptions, RealtimePatch } from "@openai-compat/core";
import { decodeQuery } from "./decode-query.ts";
import { decodeSession } from "./decode-session.ts";

export type RealtimeBeginning = Pick<OpenRealtimeOptions, "intent" | "model" | "patch">;

/**
 * @param configuration of a client secret, as JSON; null for none.
 * @throws AiError as `decodeQuery`; `invalid_value` where the two contradict each other
 */
export function decodeBeginning(query: URLSearchParams, configuration: string | null): RealtimeBeginning {
  const asked = decodeQuery(query, configuration !== null);
  if (configuration === null) return { ...asked, patch: null };
  const patch: RealtimePatch = decodeSession(readConfiguration(configuration));
  const intent = patch.type === "transcription" ? "transcription" : "model";
  const isAsked = query.has("intent") || query.has("model");
  if (isAsked && asked.intent !== intent) {
    const message = `The client secret was made for a session of the type '${patch.type}'.`;
    throw new AiError("invalid_value", message, { param: query.has("intent") ? "intent" : "model" });
  }
  return { intent, model: asked.model ?? patch.model ?? null, patch };
}

function readConfiguration(configuration: string): unknown {
  const session: unknown = JSON.parse(configuration);
  if (!isRecord(session)) throw new TypeError("The configuration of a client secret is an object.");
  return session;
}
