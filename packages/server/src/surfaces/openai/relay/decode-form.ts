/** A form for an upstream (transcriptions, translations): checked only in what this server itself acts on. */

import { AiError } from "@openai-compat/core";
import type { RelayCall, RelayField } from "@openai-compat/core";
import { operations } from "@openai-compat/spec";
import { measureAudio } from "./audio-duration.ts";

export type FormRelayOperation = "createTranscription" | "createTranslation";

export interface FormRelayOptions {
  readonly traceParent: string | null;
  /** Of the call: measuring a recording may take a while. */
  readonly signal: AbortSignal;
}

/** @throws AiError with status 400, `param` naming what is missing; the signal's reason. */
export async function decodeFormRelay(
  operation: FormRelayOperation,
  fields: readonly RelayField[],
  { traceParent, signal }: FormRelayOptions,
): Promise<RelayCall> {
  const model = readText(fields, "model");
  if (model === null) throw missing("model");
  const file = fields.findLast((field) => field.name === "file");
  if (file === undefined || !("bytes" in file)) throw missing("file");
  return {
    operation,
    path: operations[operation].path,
    model,
    body: { kind: "form", fields },
    stream: readText(fields, "stream")?.toLowerCase() === "true",
    includeUsage: true,
    traceParent,
    demand: {
      inputBytes: 0,
      prompts: 1,
      outputTokensMax: null,
      unlimitedOutputTokens: 0,
      answers: 1,
      ...(await measureAudio(file.bytes, signal)),
      characters: 0,
    },
  };
}

/** The last one wins, as in the forms of browsers' own servers. */
function readText(fields: readonly RelayField[], name: string): string | null {
  const field = fields.findLast((candidate) => candidate.name === name);
  return field !== undefined && "value" in field && field.value !== "" ? field.value : null;
}

function missing(param: string): AiError {
  return new AiError("missing_required_parameter", `Missing required parameter: '${param}'.`, { param });
}
