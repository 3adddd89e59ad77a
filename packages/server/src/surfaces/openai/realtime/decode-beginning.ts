/** What a session begins as: by its query, and by the client secret that it is opened with. */

import { AiError, isRecord } from "@openai-compat/core";
import type { JsonRecord, OpenRealtimeOptions, RealtimeFrame, RealtimePatch } from "@openai-compat/core";
import { decodeQuery } from "./decode-query.ts";
import { decodeSession } from "./decode-session.ts";

export interface RealtimeBeginning extends Pick<OpenRealtimeOptions, "intent" | "model" | "patch"> {
  /** What `patch` says, as the event that would say it; null where it says nothing. */
  readonly update: RealtimeFrame | null;
}

/**
 * @param configuration of a client secret, as JSON; null for none.
 * @throws AiError as `decodeQuery`; `invalid_value` where the two contradict each other
 */
export function decodeBeginning(query: URLSearchParams, configuration: string | null): RealtimeBeginning {
  const asked = decodeQuery(query, configuration !== null);
  if (configuration === null) return { ...asked, patch: null, update: null };
  const session = readConfiguration(configuration);
  const patch: RealtimePatch = decodeSession(session);
  const intent = patch.type === "transcription" ? "transcription" : "model";
  const isAsked = query.has("intent") || query.has("model");
  if (isAsked && asked.intent !== intent) {
    const message = `The client secret was made for a session of the type '${patch.type}'.`;
    throw new AiError("invalid_value", message, { param: query.has("intent") ? "intent" : "model" });
  }
  const event = { type: "session.update", session };
  const update = { text: JSON.stringify(event), event };
  return { intent, model: asked.model ?? patch.model ?? null, patch, update };
}

function readConfiguration(configuration: string): JsonRecord {
  const session: unknown = JSON.parse(configuration);
  if (!isRecord(session)) throw new TypeError("The configuration of a client secret is an object.");
  return session;
}
