/** A form for an upstream (transcriptions, translations): checked only in what this server itself acts on. */

import { AiError } from "@openai-compat/core";
import type { ModelRequestId, UpstreamCallRequest, FormField } from "@openai-compat/core";
import { operations } from "@openai-compat/spec";
import { readFormText } from "../model-route.ts";
import type { UpstreamDecodeOptions } from "../model-route.ts";
import { measureAudio } from "./audio-duration.ts";
import { readRecording } from "./read-recording.ts";

/** The decoder throws an AiError with status 400, `param` naming what is missing, and the signal's reason. */
export function defineFormDecoder(operation: ModelRequestId) {
  const { path } = operations[operation];
  return async (
    fields: readonly FormField[],
    { traceParent, signal }: UpstreamDecodeOptions,
  ): Promise<UpstreamCallRequest> => {
    if (readFormText(fields, "model") === null) {
      throw new AiError("missing_required_parameter", "Missing required parameter: 'model'.", { param: "model" });
    }
    const { pieces } = readRecording(fields);
    return {
      path,
      body: { kind: "form", fields },
      stream: readFormText(fields, "stream")?.toLowerCase() === "true",
      includeUsage: true,
      traceParent,
      bounds: {
        inputBytes: 0,
        prompts: 1,
        outputTokensMax: null,
        unlimitedOutputTokens: 0,
        answers: 1,
        ...(await measureAudio(pieces, signal)),
        characters: 0,
      },
    };
  };
}
