/**
 * A voice in the process of its own: it cuts a text into sentences, makes phonemes and sound of each, and encodes it.
 * Texts of several calls take turns, a sentence each.
 */

import { setImmediate } from "node:timers/promises";
import { SPEECH_SAMPLE_RATE } from "@openai-compat/core";
import type { SpeechEvent, SpeechRequest } from "@openai-compat/core";
import type { NativeModel, NativeStream } from "../host/native-model.ts";
import { KOKORO_VOICES } from "../models/voice-catalogue.ts";
import { importOnnxRuntime } from "../onnx/onnx-runtime.ts";
import type { OnnxModule } from "../onnx/onnx-runtime.ts";
import { cutText } from "./cut-text.ts";
import type { TextPiece } from "./cut-text.ts";
import { createSpeechEncoder } from "./encode/speech-encoder.ts";
import { refuse } from "./normalise/speakable.ts";
import { openGraphProcess } from "./synthesis/graph-process.ts";
import type { GraphProcess } from "./synthesis/graph-process.ts";
import { stretchTime } from "./synthesis/stretch-time.ts";
import { openVoiceAssets } from "./voice-assets.ts";
import type { Accent, Reader, VoiceAssets } from "./voice-assets.ts";
import type { VoiceModelSettings } from "./voice-settings.ts";

export interface NativeVoice extends NativeModel {
  /** As the function of `SpeechEngine`. */
  readonly streams: { readonly speak: NativeStream<SpeechRequest, SpeechEvent> };
}

/** Speeds that the models were trained for; beyond them the sound is stretched. */
const NATIVE_SPEED = { min: 0.5, max: 2 };
/** What is counted as one token of sound: 12.5 ms. */
const FRAME_SAMPLES = 300;
/** Said between words where a piece ends within a sentence. */
const PAUSE_SAMPLES_MAX = SPEECH_SAMPLE_RATE * 0.06;
const SILENCE_LEVEL = 0.005;
/** Sounds for a rest of the text that has no sound: its characters are spoken. */
const REST_SAMPLES = SPEECH_SAMPLE_RATE / 100;

interface Voice {
  readonly graph: GraphProcess;
  readonly vocabulary: ReadonlyMap<string, number>;
  readonly titles: ReadonlySet<string>;
  /** Lengths of pieces: a slow model gets short ones, so that its first sound comes soon. */
  readonly cut: { readonly lengthMax: number; readonly firstLengthMax: number };
  readonly readerOf: (voice: string) => Promise<Reader>;
  readonly dispose: () => Promise<void>;
}

/** @throws AiError `engine_unavailable` when a file or the library is missing or can't be read */
export async function openNativeVoice(settings: VoiceModelSettings): Promise<NativeVoice> {
  const voice = await openVoice(settings);
  return {
    answers: {},
    streams: { speak: (request, signal) => speak(voice, request, signal) },
    otherBytes: () => voice.graph.residentBytes(),
    dispose: () => voice.dispose(),
  };
}

async function openVoice({ files, threads }: VoiceModelSettings): Promise<Voice> {
  const runtime = await importOnnxRuntime();
  const assets = await openVoiceAssets(files.archivePath);
  try {
    const graph = await openGraphProcess(
      files.family === "hibari"
        ? { family: "hibari", model: await assets.readModel(), threads }
        : {
            family: "kokoro",
            model: files.modelPath,
            threads,
            stylesPath: files.stylesPath,
            voices: KOKORO_VOICES,
          },
    );
    const readers = openReaders(runtime, assets);
    // What most texts need is there before the first one comes.
    await readers.open("american");
    return {
      graph,
      vocabulary: await assets.readVocabulary(),
      titles: await assets.readTitles(),
      cut: files.family === "hibari" ? { lengthMax: 300, firstLengthMax: 200 } : { lengthMax: 140, firstLengthMax: 60 },
      readerOf: (voice) => readers.open(files.family === "kokoro" && voice.startsWith("b") ? "british" : "american"),
      async dispose() {
        await readers.dispose();
        await graph.dispose();
        await assets[Symbol.asyncDispose]();
      },
    };
  } catch (thrown) {
    await assets[Symbol.asyncDispose]();
    throw thrown;
  }
}

/** Each accent has dictionaries of its own, which are read when they are first needed. */
function openReaders(runtime: OnnxModule, assets: VoiceAssets) {
  const readers = new Map<Accent, Promise<Reader>>();
  return {
    open(accent: Accent): Promise<Reader> {
      const opened = readers.get(accent) ?? assets.openReader(runtime, accent);
      readers.set(accent, opened);
      return opened;
    },
    async dispose() {
      for (const reader of readers.values()) await (await reader).dispose();
    },
  };
}

async function* speak(voice: Voice, request: SpeechRequest, signal: AbortSignal): AsyncGenerator<SpeechEvent, void> {
  signal.throwIfAborted();
  const reader = await voice.readerOf(request.voice);
  const encoder = await createSpeechEncoder(request.format);
  let [samples, inputTokens, spokenCharacters] = [0, 0, 0];
  try {
    const pieces = cutText(request.text, { ...voice.cut, titles: voice.titles });
    for (const piece of pieces) {
      // Messages are read and other calls get their turn.
      await setImmediate();
      signal.throwIfAborted();
      const symbols = await readSymbols(voice, reader, piece);
      if (symbols.length === 0) continue;
      const sound = await renderPiece(voice, symbols, { request, signal });
      const trimmed = isSentence(piece, pieces) ? sound : trimEnd(sound);
      samples += trimmed.length;
      inputTokens += symbols.length;
      spokenCharacters = piece.endCharacters;
      const bytes = await encoder.encode(trimmed);
      if (bytes.length > 0) yield { type: "speech-audio", bytes, spokenCharacters };
    }
    if (samples === 0) throw refuse("it has nothing that can be spoken");
    const characters = Array.from(request.text).length;
    const rest = spokenCharacters < characters ? new Float32Array(REST_SAMPLES) : new Float32Array(0);
    samples += rest.length;
    const last = [await encoder.encode(rest), await encoder.finish()];
    const bytes = new Uint8Array(Buffer.concat(last));
    if (bytes.length > 0) yield { type: "speech-audio", bytes, spokenCharacters: characters };
    const audioMs = Math.round((samples * 1000) / SPEECH_SAMPLE_RATE);
    yield { type: "speech-end", audioMs, inputTokens, outputTokens: Math.ceil(samples / FRAME_SAMPLES) };
  } finally {
    encoder.dispose();
  }
}

async function readSymbols(voice: Voice, reader: Reader, { text }: TextPiece): Promise<readonly number[]> {
  const phonemes = await reader.phonemise(reader.normalise(text));
  const symbols = Array.from(phonemes).flatMap((phoneme) => voice.vocabulary.get(phoneme) ?? []);
  // Punctuation alone is no sound.
  return /\p{L}/u.test(phonemes) ? symbols : [];
}

async function renderPiece(
  { graph }: Voice,
  symbols: readonly number[],
  { request: { voice, speed }, signal }: { readonly request: SpeechRequest; readonly signal: AbortSignal },
): Promise<Float32Array<ArrayBuffer>> {
  const nativeSpeed = Math.min(NATIVE_SPEED.max, Math.max(NATIVE_SPEED.min, speed));
  const parts: Float32Array<ArrayBuffer>[] = [];
  // Few words become so many phonemes that one run can't take them: numbers of many digits.
  for (let start = 0; start < symbols.length; start += graph.symbolsMax) {
    const run = symbols.slice(start, start + graph.symbolsMax);
    parts.push(await graph.render(run, { voice, speed: nativeSpeed }, signal));
  }
  const joined = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return stretchTime(joined, speed / nativeSpeed);
}

function isSentence(piece: TextPiece, pieces: readonly TextPiece[]): boolean {
  return piece === pieces.at(-1) || /[.!?…:;]["”’')\]]*$/u.test(piece.text);
}

/** The model ends every piece with a rest; within a sentence that would be heard as its end. */
function trimEnd(samples: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  const last = samples.findLastIndex((sample) => Math.abs(sample) > SILENCE_LEVEL);
  return samples.slice(0, Math.min(samples.length, last + 1 + PAUSE_SAMPLES_MAX));
}
