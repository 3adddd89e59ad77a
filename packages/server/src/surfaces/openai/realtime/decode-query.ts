/** What the query of a request for a session says: for what it is, and with which model. */

import { AiError } from "@openai-compat/core";

export interface RealtimeQuery {
  readonly intent: "transcription" | "model";
  /** Null for a transcription session, which names its model later. */
  readonly model: string | null;
}

/** Longer names are no names of models. */
const MODEL_LENGTH_MAX = 512;

/**
 * @param isConfigured whether a client secret says what the session is: then nothing has to be said here.
 * @throws AiError `invalid_request`, `invalid_value`, `missing_required_parameter`, `not_implemented`
 */
export function decodeQuery(query: URLSearchParams, isConfigured: boolean): RealtimeQuery {
  const intent = readOnce(query, "intent");
  const model = readOnce(query, "model");
  if (query.has("call_id")) {
    throw new AiError("not_implemented", "This server takes no calls: open a session with `model` or `intent`.", {
      param: "call_id",
    });
  }
  if (intent !== null && intent !== "transcription") {
    const message = `Invalid value: '${intent.slice(0, 40)}'. Supported values are: 'transcription'.`;
    throw new AiError("invalid_value", message, { param: "intent" });
  }
  if (intent !== null && model !== null) {
    const message = "You must not provide a model parameter for transcription sessions.";
    throw new AiError("invalid_request", message, { param: "model" });
  }
  if (model !== null && (model === "" || model.length > MODEL_LENGTH_MAX)) {
    const message = `The model has to have between 1 and ${MODEL_LENGTH_MAX} characters.`;
    throw new AiError("invalid_value", message, { param: "model" });
  }
  if (model !== null) return { intent: "model", model };
  if (intent === null && !isConfigured) {
    const message = "You must provide a model parameter, or `intent=transcription`.";
    throw new AiError("missing_required_parameter", message, { param: "model" });
  }
  return { intent: "transcription", model: null };
}

function readOnce(query: URLSearchParams, name: string): string | null {
  const values = query.getAll(name);
  if (values.length <= 1) return values[0] ?? null;
  throw new AiError("invalid_request", `The query has more than one \`${name}\`.`, { param: name });
}
