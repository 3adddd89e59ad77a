/** The transcription engine for Whisper, each model in a process of its own. No process is started before the first transcription. */

import { AiError } from "@openai-compat/core";
import type { TranscriptionEngine, TranscriptionOptions } from "@openai-compat/core";
import { createHostedModel } from "../host/hosted-model.ts";
import { createRecordedCalls } from "../transcription/recorded-calls.ts";
import { ENGLISH, listLanguages } from "./detect-language.ts";
import { createWhisperLive } from "./whisper-live.ts";
import { readWhisperConfig } from "./whisper-checkpoint.ts";
import type { WhisperConfig } from "./whisper-config.ts";
import { estimateWhisperBytes } from "./whisper-memory.ts";
import { LIVE_TURNS_DEFAULT, WHISPER_CONCURRENCY_DEFAULT, resolveWhisperModel } from "./whisper-settings.ts";
import type { WhisperEngineSettings } from "./whisper-settings.ts";

export function createWhisperEngine(settings: WhisperEngineSettings): TranscriptionEngine {
  const concurrency = settings.concurrency ?? WHISPER_CONCURRENCY_DEFAULT;
  const hosted = createHostedModel("whisper", resolveWhisperModel(settings), {
    loading: settings.loading,
    estimateBytes: () => estimateWhisperBytes(settings),
  });
  let config: Promise<WhisperConfig> | null = null;
  const readConfig = async (): Promise<WhisperConfig> => {
    config ??= readWhisperConfig(settings.modelPath);
    return config.catch((thrown: unknown) => {
      // The file may be there at the next call.
      config = null;
      throw thrown;
    });
  };

  return {
    type: "transcription",
    limits: { concurrency },
    ...createRecordedCalls({
      hosted,
      concurrency,
      check: async (options) => refuseUnsupported(await readConfig(), options),
    }),
    live: createWhisperLive({
      hosted,
      turns: settings.liveTurns ?? LIVE_TURNS_DEFAULT,
      check: async (languages) => refuseLanguages(await readConfig(), languages),
    }),
    close: () => hosted.close(),
  };
}

function refuseUnsupported(config: WhisperConfig, { task, languages }: TranscriptionOptions): void {
  if (task === "translate" && !config.isMultilingual) {
    const message =
      "This model transcribes English only. A translation needs a multilingual one, such as whisper-base.";
    throw new AiError("unsupported_parameter", message, { param: "model" });
  }
  refuseLanguages(config, languages);
}

function refuseLanguages(config: WhisperConfig, languages: readonly string[] | null): void {
  const known = listLanguages(config);
  const unknown = languages?.find((language) => !known.has(language));
  if (unknown === undefined) return;
  const list = [...known.keys()].join(", ");
  const message = config.isMultilingual
    ? `The language '${unknown.slice(0, 40)}' is not known to this model. It knows: ${list}.`
    : `This model transcribes English (${ENGLISH}) only. Other languages need a multilingual one, such as whisper-base.`;
  throw new AiError("unsupported_value", message, { param: "language" });
}
