/** What only voices with trained weights can show. Runs when the catalogue's voices are in the cache. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { speak } from "@openai-compat/core/speech-engine-contract";
import { transcribe } from "@openai-compat/core/transcription-engine-contract";
import type { SpeechEngine } from "@openai-compat/core";
import { afterAll, expect, test } from "vitest";
import { findCachedModel } from "../models/index.ts";
import { importOnnxRuntime } from "../onnx/onnx-runtime.ts";
import { createWhisperEngine } from "../whisper/whisper-engine.ts";
import { openVoiceAssets } from "./voice-assets.ts";
import { createVoiceEngine } from "./voice-engine.ts";
import type { VoiceFiles } from "./voice-settings.ts";

const pathOf = async (id: string): Promise<string | null> => (await findCachedModel(id))?.path ?? null;
const archivePath = await pathOf("hibari");
const [modelPath, stylesPath] = [await pathOf("kokoro"), await pathOf("kokoro-voices")];
const [whisperPath, voiceDetectorPath] = [await pathOf("whisper-tiny.en"), await pathOf("silero-vad")];
/** What the package of hibari itself makes of sentences, by accent. */
const golden: Readonly<Record<"american" | "british", Readonly<Record<string, string>>>> = JSON.parse(
  readFileSync(join(import.meta.dirname, "phonemes/testing/phonemes-of-hibari.json"), "utf8"),
);
const TEXT = "Scientists have discovered a new planet. The meeting has been moved to Thursday afternoon.";

const kokoro: VoiceFiles | null =
  archivePath === null || modelPath === null || stylesPath === null
    ? null
    : { family: "kokoro", archivePath, modelPath, stylesPath };
const hibari: VoiceFiles | null = archivePath === null ? null : { family: "hibari", archivePath };

const engines: SpeechEngine[] = [];
afterAll(async () => {
  for (const engine of engines) await engine.close();
});

function engineOf(files: VoiceFiles): SpeechEngine {
  const engine = createVoiceEngine({ files });
  engines.push(engine);
  return engine;
}

/** Words that are not in the text, and words of the text that are missing. */
function countMistakes(heard: string): number {
  const wordsOf = (text: string): readonly string[] => text.toLowerCase().match(/[a-z]+/g) ?? [];
  const [expected, found] = [wordsOf(TEXT), wordsOf(heard)];
  const missing = expected.filter((word) => !found.includes(word));
  const added = found.filter((word) => !expected.includes(word));
  return missing.length + added.length;
}

for (const accent of ["american", "british"] as const) {
  test(`phonemes are those of hibari's own reading, ${accent}`, async ({ skip }) => {
    if (archivePath === null) return skip("hibari is not in the cache: pull it to run this test");
    await using assets = await openVoiceAssets(archivePath);
    const reader = await assets.openReader(await importOnnxRuntime(), accent);
    const read: Record<string, string> = {};
    for (const text of Object.keys(golden[accent])) read[text] = await reader.phonemise(reader.normalise(text));
    await reader.dispose();
    expect(read).toEqual(golden[accent]);
  });
}

for (const [name, files] of [
  ["hibari", hibari],
  ["kokoro", kokoro],
] as const) {
  test(`what ${name} says is understood by Whisper, at any speed that it was trained for`, async ({ skip }) => {
    if (files === null) return skip(`${name} is not in the cache: pull it to run this test`);
    if (whisperPath === null || voiceDetectorPath === null) {
      return skip("whisper-tiny.en is not in the cache: pull it to run this test");
    }
    const engine = engineOf(files);
    const whisper = createWhisperEngine({ modelPath: whisperPath, voiceDetectorPath });
    try {
      const { bytes, audioMs } = await speak(engine, { text: TEXT, format: "wav" });
      expect(audioMs).toBeGreaterThan(3500);
      expect(countMistakes((await transcribe(whisper, bytes)).text)).toBeLessThanOrEqual(1);
      const fast = await speak(engine, { text: TEXT, format: "wav", speed: 1.5 });
      expect(Math.abs((fast.audioMs * 1.5) / audioMs - 1)).toBeLessThan(0.15);
      expect(countMistakes((await transcribe(whisper, fast.bytes)).text)).toBeLessThanOrEqual(2);
    } finally {
      await whisper.close();
    }
  }, 300_000);
}
