/**
 * The process that has recordings transcribed by the program of whisper.cpp: it finds where somebody speaks, writes these
 * parts to files of a folder that only it can read, and reads what the program writes of them. The program loads the model
 * at each run and ends with it.
 */

import { access, constants } from "node:fs/promises";
import { AiError } from "@openai-compat/core";
import type { SpeechDetection, TranscriptionEvent, TranscriptionOptions } from "@openai-compat/core";
import type { NativeLog } from "../host/native-model.ts";
import type { ListeningModel } from "../transcription/listening-model.ts";
import { SampleIntake } from "../transcription/sample-intake.ts";
import { FRAME_SAMPLES, loadVoiceDetector } from "../vad/silero-vad.ts";
import type { VoiceDetector } from "../vad/silero-vad.ts";
import { createSpeechParts } from "../vad/speech-parts.ts";
import type { SpeechPart } from "../vad/speech-parts.ts";
import { createWhisperText } from "../whisper/whisper-text.ts";
import type { WhisperText } from "../whisper/whisper-text.ts";
import { readGgmlHeader } from "./ggml-header.ts";
import type { GgmlHeader } from "./ggml-header.ts";
import { OutputEvents } from "./output-events.ts";
import { removeOldFolders } from "./part-files.ts";
import { transcribeParts } from "./transcribe-parts.ts";
import type { PartsRun } from "./transcribe-parts.ts";
import type { NativeWhisperNodeSettings } from "./whisper-node-settings.ts";

const SAMPLES_PER_MS = 16;
/** Of whisper.cpp's window of 30 s, less the silence that is appended. */
const PART_SAMPLES_MAX = 28_000 * SAMPLES_PER_MS;
const JOINED_PAUSE_SAMPLES_MAX = 2_000 * SAMPLES_PER_MS;
const DEFAULT_DETECTION = { threshold: 0.5, prefixPaddingMs: 200, silenceMs: 300 };
/** Ten minutes of speech in a run: 19 MB of files, and the model is loaded once for it. */
const RUN_SAMPLES_MAX = 600_000 * SAMPLES_PER_MS;
/** Of an encoder's position. */
const POSITION_SAMPLES = 320;
/** Where the text of a model of English ends; one token later in a multilingual vocabulary. */
const END_OF_TEXT = 50_256;

/** @throws AiError `engine_unavailable` */
export async function openNativeWhisperNode(
  settings: NativeWhisperNodeSettings,
  log: NativeLog,
): Promise<ListeningModel> {
  const header = await readGgmlHeader(settings.modelPath);
  await access(settings.binaryPath, constants.X_OK).catch((thrown: unknown) => {
    throw new AiError("engine_unavailable", "The program of whisper.cpp can't be run.", { cause: thrown });
  });
  await removeOldFolders(settings.runTimeMsMax);
  const detectors = await loadVoiceDetector(settings.voiceDetectorPath);
  const text = createWhisperText(header.textTokens);
  const intakes = new Map<string, SampleIntake>();
  const findIntake = (session: string): SampleIntake => {
    const intake = intakes.get(session);
    if (intake === undefined) throw new AiError("cancelled", "The transcription has ended.");
    return intake;
  };
  return {
    answers: {
      feed: async ({ session, samples }, signal) => findIntake(session).put(samples, signal),
      finish: async ({ session }, signal) => findIntake(session).put(null, signal),
    },
    streams: {
      async *transcribe({ session, options }, signal) {
        const intake = new SampleIntake();
        intakes.set(session, intake);
        try {
          yield { type: "ready" };
          const detector = followDetector(detectors.createDetector());
          yield* transcribe({ settings, header, text, log, intake, detector, options }, signal);
        } catch (thrown) {
          if (signal.aborted || thrown instanceof AiError) throw thrown;
          const message = "The model failed to read the recording. Please try again.";
          throw new AiError("engine_failed", message, { cause: thrown });
        } finally {
          intakes.delete(session);
          intake.close();
        }
      },
    },
    dispose: () => detectors.dispose(),
  };
}

interface Session {
  readonly settings: NativeWhisperNodeSettings;
  readonly header: GgmlHeader;
  readonly text: WhisperText;
  readonly log: NativeLog;
  readonly intake: SampleIntake;
  readonly detector: FollowedDetector;
  readonly options: TranscriptionOptions;
}

async function* transcribe(session: Session, signal: AbortSignal): AsyncGenerator<TranscriptionEvent, void> {
  const { header, text, intake, detector, options } = session;
  const endOfText = header.isMultilingual ? END_OF_TEXT + 1 : END_OF_TEXT;
  const events = new OutputEvents({
    options,
    endOfText,
    measureSilence: detector.measureSilence,
    silenceMax: 1 - describeDetection(options).threshold,
  });
  const parts = createSpeechParts(detector, describeParts(options));
  const promptTokens = countPromptTokens(session, text);
  let language = findGivenLanguage(session);
  let counts = { audioTokens: 0, promptTokens: 0 };
  let waiting: SpeechPart[] = [];

  async function* run(): AsyncGenerator<TranscriptionEvent, void> {
    const batch = waiting;
    waiting = [];
    const partsRun: PartsRun = { ...session, language, parts: batch };
    for await (const heard of transcribeParts(partsRun, signal)) {
      if (counts.audioTokens === 0) {
        const probability = language === null ? heard.languageProbability : givenProbability(session);
        language ??= heard.language;
        yield { type: "transcription-start", language, languageProbability: probability };
      }
      const { startSample, samples } = heard.part;
      counts = {
        audioTokens: counts.audioTokens + Math.ceil(samples.length / POSITION_SAMPLES),
        promptTokens: counts.promptTokens + promptTokens,
      };
      yield* events.create(heard.segments, { startSample, samples: samples.length });
      const heardMs = Math.floor((startSample + samples.length) / SAMPLES_PER_MS);
      yield { type: "transcription-progress", heardMs };
    }
  }

  for (let isFinished = false; !isFinished;) {
    const samples = await intake.take(signal);
    isFinished = samples === null;
    await (samples === null ? parts.finish() : parts.feed(samples));
    for (let part = parts.take(); part !== null; part = parts.take()) {
      waiting.push(part);
      // The first one says which language the others are in.
      if (language === null || countSamples(waiting) >= RUN_SAMPLES_MAX) yield* run();
    }
  }
  if (waiting.length > 0) yield* run();
  if (counts.audioTokens === 0) yield { type: "transcription-start", language: null, languageProbability: null };
  yield { type: "transcription-end", tokens: { ...counts, outputTokens: events.outputTokens } };
}

function describeDetection({ detection }: TranscriptionOptions): SpeechDetection {
  return detection ?? DEFAULT_DETECTION;
}

function describeParts(options: TranscriptionOptions) {
  const { threshold, prefixPaddingMs, silenceMs } = describeDetection(options);
  const pauseSamples = silenceMs * SAMPLES_PER_MS;
  return {
    threshold,
    paddingSamples: prefixPaddingMs * SAMPLES_PER_MS,
    pauseSamples,
    joinedPauseSamplesMax: Math.max(pauseSamples, JOINED_PAUSE_SAMPLES_MAX),
    partSamplesMax: PART_SAMPLES_MAX,
    cutSamplesMin: PART_SAMPLES_MAX,
  };
}

/** Null: the model says. */
function findGivenLanguage({ options, header }: Session): string | null {
  return options.languages?.[0] ?? (header.isMultilingual ? null : "en");
}

function givenProbability({ options }: Session): number | null {
  return options.languages === null ? 1 : null;
}

/** The start of the text, and where there is a prompt, its sign and as much of it as the model has room for. */
function countPromptTokens({ options, header }: Session, text: WhisperText): number {
  const start = header.isMultilingual ? 3 : 1;
  const prompt = options.prompt?.trim() ?? "";
  if (prompt === "") return start;
  return start + Math.min(1 + text.encode(` ${prompt}`).length, Math.floor(header.textPositions / 2));
}

function countSamples(parts: readonly SpeechPart[]): number {
  return parts.reduce((sum, { samples }) => sum + samples.length, 0);
}

interface FollowedDetector extends VoiceDetector {
  readonly measureSilence: (start: number, end: number) => number;
}

/** Remembers what the detector said: whisper.cpp says nothing of silence. */
function followDetector(detector: VoiceDetector): FollowedDetector {
  const probabilities: number[] = [];
  return {
    async read(frames) {
      const read = await detector.read(frames);
      probabilities.push(...read);
      return read;
    },
    measureSilence(start, end) {
      const from = Math.floor(start / FRAME_SAMPLES);
      const to = Math.max(from + 1, Math.ceil(end / FRAME_SAMPLES));
      return probabilities.slice(from, to).reduce((least, probability) => Math.min(least, 1 - probability), 1);
    },
  };
}
