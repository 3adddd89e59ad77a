/**
 * The baseline: the models' graphs alone, as often as our engines run them, on inputs that were made before. No server,
 * no decoding of files, no search, no phonemes, no sound files.
 */

import {
  KOKORO_VOICES,
  cutText,
  importOnnxRuntime,
  loadWhisperModel,
  openHibariGraph,
  openKokoroGraph,
  openVoiceAssets,
  openWhisperCheckpoint,
} from "@openai-compat/engines/testing";
import type { VoiceGraph } from "@openai-compat/engines/testing";
import { serveCalls } from "../worker.ts";
import type { AudioSubject } from "./audio-subject.ts";
import { createLoopDelayCalls } from "./loop-delay.ts";
import type { LoopDelayCalls } from "./loop-delay.ts";

export interface HeardWindows {
  readonly model: string;
  /** Tokens of each window's text. */
  readonly tokens: readonly number[];
  readonly windowMs: number;
}

export type RawGraphsCalls = LoopDelayCalls & {
  /** Reads a text with a voice's phonemes. */
  read: (argument: { readonly voice: string; readonly text: string }) => Promise<void>;
  /** Runs the voice's model on what was read last: its graph, and for hibari the transform from spectra to sound. */
  speak: (voice: string) => Promise<number>;
  /** Runs Whisper's graphs: each window is encoded, and five texts of as many tokens are decoded. */
  hear: (windows: HeardWindows) => Promise<number>;
};

const BEAMS = 5;
const SAMPLES_PER_MS = 16;
/** As our engine cuts texts for each family. */
const CUTS = {
  hibari: { lengthMax: 300, firstLengthMax: 200 },
  kokoro: { lengthMax: 140, firstLengthMax: 60 },
};
/** Hibari has but one. */
const KOKORO_VOICE = "af_heart";

const subject: AudioSubject = JSON.parse(process.env["BENCH_OPTIONS"] ?? "{}");
const { threads } = subject;
const runtime = await importOnnxRuntime();

async function openVoice(id: string): Promise<VoiceGraph> {
  const files = subject.voices[id];
  if (files === undefined) throw new Error(`there is no voice ${id}`);
  if (files.family === "kokoro") {
    const { modelPath: model, stylesPath } = files;
    return openKokoroGraph(runtime, { model, threads, stylesPath, voices: KOKORO_VOICES });
  }
  await using assets = await openVoiceAssets(files.archivePath);
  return await openHibariGraph(runtime, { model: await assets.readModel(), threads });
}

async function readText(voice: string, text: string): Promise<readonly (readonly number[])[]> {
  const files = subject.voices[voice];
  if (files === undefined) throw new Error(`there is no voice ${voice}`);
  await using assets = await openVoiceAssets(files.archivePath);
  const reader = await assets.openReader(runtime, "american");
  const vocabulary = await assets.readVocabulary();
  const pieces: (readonly number[])[] = [];
  for (const piece of cutText(text, { ...CUTS[files.family], titles: await assets.readTitles() })) {
    const phonemes = Array.from(await reader.phonemise(reader.normalise(piece.text)));
    pieces.push(phonemes.flatMap((phoneme) => vocabulary.get(phoneme) ?? []));
  }
  await reader.dispose();
  return pieces;
}

const opened = new Map<string, Promise<VoiceGraph>>();
const whispers = new Map<string, ReturnType<typeof loadWhisperModel>>();
let pieces: readonly (readonly number[])[] = [];

serveCalls({
  ...createLoopDelayCalls(),
  async read({ voice, text }) {
    pieces = await readText(voice, text);
  },
  async speak(voice) {
    const speaking = opened.get(voice) ?? openVoice(voice);
    opened.set(voice, speaking);
    const graph = await speaking;
    for (const symbols of pieces) await graph.render(symbols, { voice: KOKORO_VOICE, speed: 1 });
    return pieces.length;
  },
  async hear({ model: id, tokens, windowMs }) {
    const loading =
      whispers.get(id) ??
      openWhisperCheckpoint(subject.whispers[id] ?? "").then((checkpoint) => loadWhisperModel(checkpoint, threads));
    whispers.set(id, loading);
    const model = await loading;
    const { startOfTranscript } = model.config.tokens;
    const options = { likeliest: BEAMS + 1, logits: false, attention: false };
    for (const count of tokens) {
      const state = model.decode(await model.encode(new Float32Array(windowMs * SAMPLES_PER_MS)));
      await state.step([{ parent: 0, tokens: [startOfTranscript] }], options);
      const continuations = Array.from({ length: BEAMS }, () => ({ parent: 0, tokens: [startOfTranscript] }));
      for (let step = 0; step < count; step += 1) await state.step(continuations, options);
    }
    return tokens.length;
  },
} satisfies RawGraphsCalls);
