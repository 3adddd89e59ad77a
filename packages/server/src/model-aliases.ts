/** The setting `aliases`: names that clients send and that mean a model of this server. */

import { MODEL_TYPES } from "@openai-compat/core";
import type { ModelAliases, ModelType } from "@openai-compat/core";
import { z } from "zod";

/** Those of OpenAI whose clients often can't be told another one. Models that tell speakers apart are none of them. */
const OPENAI_ALIASES = {
  transcription: nameDefault([
    "whisper-1",
    "gpt-transcribe",
    "gpt-live-transcribe",
    "gpt-realtime-whisper",
    "gpt-4o-transcribe",
    "gpt-4o-mini-transcribe",
    "gpt-4o-mini-transcribe-2025-03-20",
    "gpt-4o-mini-transcribe-2025-12-15",
  ]),
  speech: nameDefault([
    "tts-1",
    "tts-1-1106",
    "tts-1-hd",
    "tts-1-hd-1106",
    "gpt-4o-mini-tts",
    "gpt-4o-mini-tts-2025-03-20",
    "gpt-4o-mini-tts-2025-12-15",
  ]),
};

const name = z.string().min(1).max(200);

export const aliasesSchema = z
  .partialRecord(z.enum(MODEL_TYPES), z.record(name, name))
  .default(OPENAI_ALIASES)
  .describe(
    'Other names of models, by type: `{ "transcription": { "whisper-1": "default" } }`. Each means an id, a name or ' +
      "`default`, for calls that need this type. Default: OpenAI's names of transcription and speech models mean " +
      "`default`; `{}`: there are none.",
  );

interface NamedModel {
  readonly id: string;
  readonly name?: string | undefined;
  readonly type: ModelType;
}

/** Aliases of what is not there, a sentence each. That a type has no default is no mistake. */
export function listWrongAliases(aliases: ModelAliases, models: readonly NamedModel[]): readonly string[] {
  return MODEL_TYPES.flatMap((type) => {
    const known = models.filter((model) => model.type === type).flatMap(({ id, name: other = id }) => [id, other]);
    const wrong = Object.entries(aliases[type] ?? {}).filter(
      ([, target]) => target !== "default" && !known.includes(target),
    );
    return wrong.map(([alias, target]) => {
      const names = known.length === 0 ? "there is none" : `there is ${[...new Set(known)].join(", ")}`;
      return `the alias "${alias}" means "${target}", which is no ${type} model: ${names}`;
    });
  });
}

function nameDefault(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((openaiName) => [openaiName, "default"]));
}
