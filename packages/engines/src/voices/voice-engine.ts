/**
 * The speech engine for voices of the catalogue, each in a process of its own. No process is started, and no file is
 * opened, before the first text is spoken.
 */

import { stat } from "node:fs/promises";
import type { SpeechEngine } from "@openai-compat/core";
import { createHostedModel } from "../host/hosted-model.ts";
import { requireEncoder } from "./encode/speech-encoder.ts";
import { requireSpeakable } from "./normalise/speakable.ts";
import { VOICE_CONCURRENCY_DEFAULT, listVoices, resolveVoiceModel } from "./voice-settings.ts";
import type { VoiceEngineSettings, VoiceFiles } from "./voice-settings.ts";

/** Dictionaries, the process of the graph, the runtime in both and what a sentence takes: measured, and rounded up. */
const READING_BYTES = 430_000_000;
/** Of Kokoro's file: its weights are kept in a faster order, and a sentence takes as much again. */
const KOKORO_MEMORY_SHARE = 4;

export function createVoiceEngine(settings: VoiceEngineSettings): SpeechEngine {
  const hosted = createHostedModel("voice", resolveVoiceModel(settings), {
    loading: settings.loading,
    estimateBytes: () => estimateVoiceBytes(settings.files),
  });
  return {
    type: "speech",
    limits: { concurrency: settings.concurrency ?? VOICE_CONCURRENCY_DEFAULT },
    voices: listVoices(settings),
    async prepare({ text, format }, signal) {
      signal.throwIfAborted();
      requireEncoder(format);
      requireSpeakable(text);
    },
    async *speak(request, signal) {
      const { value, release } = await hosted.acquire(signal);
      try {
        yield* value.streams.speak(request, signal);
      } finally {
        release();
      }
    },
    close: () => hosted.close(),
  };
}

/** Upper bound of its memory when loaded, in bytes, its process not counted. */
export async function estimateVoiceBytes(files: VoiceFiles): Promise<number> {
  if (files.family === "hibari") return READING_BYTES;
  const sizes = await Promise.all(
    [files.modelPath, files.stylesPath].map((path) =>
      stat(path).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  const [model = 0, styles = 0] = sizes;
  return READING_BYTES + model * KOKORO_MEMORY_SHARE + styles;
}
