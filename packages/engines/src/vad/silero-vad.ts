/**
 * Silero's voice activity detector: how likely it is that somebody speaks, for each 32 ms of audio. It decides nothing.
 *
 * Input and state are those of the export for 16 kHz: https://github.com/SYSTRAN/faster-whisper/blob/v1.2.1/faster_whisper/vad.py
 */

import { AiError } from "@openai-compat/core";
import { importOnnxRuntime, openOnnxSession } from "../onnx/onnx-runtime.ts";
import type { OnnxTensor } from "../onnx/onnx-runtime.ts";

/** Samples that a probability is for. */
export const FRAME_SAMPLES = 512;
/** Shorter is a noise. */
export const SPEECH_SAMPLES_MIN = 2 * FRAME_SAMPLES;
/** Each frame is seen with the last samples of the one before. */
const CONTEXT_SAMPLES = 64;
const STATE_SIZE = 128;
/** About ten seconds; more is computed in several runs. */
const FRAMES_PER_RUN = 320;

/** Follows one recording. */
export interface VoiceDetector {
  /** @param frames whole ones, that follow those of the last call @returns a probability for each */
  read(frames: Float32Array): Promise<Float32Array>;
}

/** Follows live audio. */
export interface LiveVoiceDetector extends VoiceDetector {
  /** Passes over frames that follow those of the last call, without their probabilities. */
  skip(frames: Float32Array): void;
}

export interface VoiceDetectorModel {
  createDetector(): LiveVoiceDetector;
  dispose(): Promise<void>;
}

/** @throws AiError `engine_unavailable` */
export async function loadVoiceDetector(modelPath: string): Promise<VoiceDetectorModel> {
  const runtime = await importOnnxRuntime();
  const session = await openOnnxSession(runtime, { model: modelPath, threads: 1 }).catch((thrown: unknown) => {
    const message = "The voice detector can't be loaded. Pull the model silero-vad again.";
    throw new AiError("engine_unavailable", message, { cause: thrown });
  });
  const createState = (): OnnxTensor => new runtime.Tensor("float32", new Float32Array(STATE_SIZE), [1, 1, STATE_SIZE]);

  return {
    createDetector() {
      let [h, c]: (OnnxTensor | undefined)[] = [createState(), createState()];
      let context = new Float32Array(CONTEXT_SAMPLES);
      return {
        async read(frames) {
          const probabilities = new Float32Array(frames.length / FRAME_SAMPLES);
          for (let from = 0; from < probabilities.length; from += FRAMES_PER_RUN) {
            const part = frames.subarray(from * FRAME_SAMPLES, (from + FRAMES_PER_RUN) * FRAME_SAMPLES);
            const input = addContexts(part, context);
            context = part.slice(-CONTEXT_SAMPLES);
            const rows = part.length / FRAME_SAMPLES;
            const tensor = new runtime.Tensor("float32", input, [rows, CONTEXT_SAMPLES + FRAME_SAMPLES]);
            if (h === undefined || c === undefined) throw new Error("The detector has lost its state.");
            const results = await session.run({ input: tensor, h, c });
            [h, c] = [results["hn"], results["cn"]];
            const data = results["speech_probs"]?.data;
            if (!(data instanceof Float32Array)) throw new Error("The detector gives no probabilities.");
            probabilities.set(data, from);
          }
          return probabilities;
        },
        skip(frames) {
          context = frames.slice(-CONTEXT_SAMPLES);
        },
      };
    },
    dispose: async () => session.release(),
  };
}

function addContexts(frames: Float32Array, before: Float32Array): Float32Array {
  const rows = frames.length / FRAME_SAMPLES;
  const width = CONTEXT_SAMPLES + FRAME_SAMPLES;
  const input = new Float32Array(rows * width);
  for (let row = 0; row < rows; row += 1) {
    const start = row * FRAME_SAMPLES;
    const context = row === 0 ? before : frames.subarray(start - CONTEXT_SAMPLES, start);
    input.set(context, row * width);
    input.set(frames.subarray(start, start + FRAME_SAMPLES), row * width + CONTEXT_SAMPLES);
  }
  return input;
}
