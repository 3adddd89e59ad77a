/**
 * Whisper in the process of its own: recordings are fed piece by piece and come back as texts. Calls take turns, a step
 * of the model at a time.
 */

import { AiError } from "@openai-compat/core";
import type {
  LiveEvent,
  LiveOptions,
  SpeechBoundary,
  SpeechDetection,
  TranscriptionOptions,
} from "@openai-compat/core";
import { SampleIntake } from "../transcription/sample-intake.ts";
import type { FedStream, ListeningModel } from "../transcription/listening-model.ts";
import { loadVoiceDetector } from "../vad/silero-vad.ts";
import { createSpeechBoundaries } from "../vad/speech-boundaries.ts";
import { createSpeechParts } from "../vad/speech-parts.ts";
import type { WindowOptions } from "./decode-window.ts";
import { createLiveSlots } from "./live-slots.ts";
import { LiveTranscription } from "./live-transcription.ts";
import { describeLiveParts, describeParts } from "./part-settings.ts";
import { createStepTurns } from "./step-turns.ts";
import { Transcription } from "./transcription.ts";
import { openWhisperCheckpoint } from "./whisper-checkpoint.ts";
import { loadWhisperModel } from "./whisper-model.ts";
import { createWhisperText } from "./whisper-text.ts";

export interface NativeWhisperSettings {
  /** Of a checkpoint that the converter made. */
  readonly modelPath: string;
  /** Of Silero's detector. */
  readonly voiceDetectorPath: string;
  readonly threads: number;
  /** Whether the model is given the text of the part before, as OpenAI's own loop does. */
  readonly previousText: boolean;
  /** How many texts are compared while they grow. */
  readonly beams: number;
}

export interface NativeWhisper extends ListeningModel {
  readonly streams: ListeningModel["streams"] & {
    readonly transcribeLive: FedStream<LiveOptions, LiveEvent>;
    readonly detectSpeech: FedStream<SpeechDetection, SpeechBoundary>;
  };
}

/** @throws AiError `engine_unavailable` */
export async function openNativeWhisper(settings: NativeWhisperSettings): Promise<NativeWhisper> {
  const checkpoint = await openWhisperCheckpoint(settings.modelPath);
  const detectors = await loadVoiceDetector(settings.voiceDetectorPath);
  const model = await loadWhisperModel(checkpoint, settings.threads).catch(async (thrown: unknown) => {
    await detectors.dispose();
    throw toLoadError(thrown);
  });
  const text = createWhisperText(checkpoint.textTokens);
  const { previousText, beams } = settings;
  const turns = createStepTurns();
  const slots = createLiveSlots();
  const sessions = createSessions();

  return {
    answers: sessions.answers,
    streams: {
      transcribe: sessions.open(async function* transcribe(options: TranscriptionOptions, intake, signal) {
        const compute: WindowOptions["compute"] = async (step) =>
          turns.run(step, { call: intake, urgency: "recording" }, signal);
        const parts = createSpeechParts(
          detectors.createDetector(),
          describeParts(options.detection, model.windowSamples),
        );
        const transcription = new Transcription({ model, text, parts, compute, options, previousText, beams });
        for (let isFinished = false; ;) {
          for (let part = parts.take(); part !== null; part = parts.take()) yield* transcription.transcribe(part);
          yield* transcription.reportProgress();
          if (isFinished) break;
          const samples = await intake.take(signal);
          isFinished = samples === null;
          await compute(async () => (samples === null ? parts.finish() : parts.feed(samples)));
        }
        yield* transcription.end();
      }),
      transcribeLive: sessions.open((options: LiveOptions, intake, signal) => {
        const parts = createSpeechParts(detectors.createDetector(), describeLiveParts(model.windowSamples));
        const nowMs = (): number => performance.now();
        const setup = { model, text, parts, turns, slots, options, previousText, beams, nowMs };
        return new LiveTranscription(setup).transcribe(intake, signal);
      }),
      detectSpeech: sessions.open(async function* detectSpeech(detection: SpeechDetection, intake, signal) {
        const boundaries = createSpeechBoundaries(detectors.createDetector(), detection);
        for (let samples = await intake.take(signal); samples !== null; samples = await intake.take(signal)) {
          yield* await boundaries.feed(samples);
        }
      }),
    },
    async dispose() {
      await model.dispose();
      await detectors.dispose();
    },
  };
}

type Run<Options, Event> = (options: Options, intake: SampleIntake, signal: AbortSignal) => AsyncIterable<Event>;

/** Streams that are fed by calls of their own. */
function createSessions() {
  const intakes = new Map<string, SampleIntake>();
  const findIntake = (session: string): SampleIntake => {
    const intake = intakes.get(session);
    if (intake === undefined) throw new AiError("cancelled", "The transcription has ended.");
    return intake;
  };
  const answers: ListeningModel["answers"] = {
    feed: async ({ session, samples }, signal) => findIntake(session).put(samples, signal),
    finish: async ({ session }, signal) => findIntake(session).put(null, signal),
  };
  const open = <Options, Event>(run: Run<Options, Event>): FedStream<Options, Event> =>
    async function* listen({ session, options }, signal) {
      const intake = new SampleIntake();
      intakes.set(session, intake);
      try {
        yield { type: "ready" };
        yield* run(options, intake, signal);
      } catch (thrown) {
        throw toCallError(thrown, signal);
      } finally {
        intakes.delete(session);
        intake.close();
      }
    };
  return { answers, open };
}

function toLoadError(thrown: unknown): AiError {
  if (thrown instanceof AiError) return thrown;
  const message = "The model can't be loaded. The log of the server says why.";
  return new AiError("engine_unavailable", message, { cause: thrown });
}

function toCallError(thrown: unknown, signal: AbortSignal): unknown {
  if (signal.aborted || thrown instanceof AiError) return thrown;
  return new AiError("engine_failed", "The model failed to read the recording. Please try again.", { cause: thrown });
}
