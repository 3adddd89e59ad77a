/**
 * The transcription engine for Whisper, each model in a process of its own. Recordings are decoded and held here, and fed
 * to that process as fast as it listens. No process is started before the first transcription.
 */

import { AiError } from "@openai-compat/core";
import type { TranscriptionEngine, TranscriptionEvent, TranscriptionOptions } from "@openai-compat/core";
import { decodeAudio } from "../audio/index.ts";
import { createHostedModel } from "../host/hosted-model.ts";
import type { HostedFunctions } from "../host/hosted-model.ts";
import { createHeldAudio } from "../shared/held-audio.ts";
import { createSlotPool } from "../shared/slot-pool.ts";
import { ENGLISH, listLanguages } from "./detect-language.ts";
import type { NativeWhisper } from "./native-whisper.ts";
import { readWhisperConfig } from "./whisper-checkpoint.ts";
import type { WhisperConfig } from "./whisper-config.ts";
import { estimateWhisperBytes } from "./whisper-memory.ts";
import { WHISPER_CONCURRENCY_DEFAULT, resolveWhisperModel } from "./whisper-settings.ts";
import type { WhisperEngineSettings } from "./whisper-settings.ts";

/** 16-bit samples of 16 kHz, in the pieces in which they are fed. */
interface Recording {
  readonly pieces: readonly Int16Array[];
  readonly samples: number;
}

const SAMPLES_PER_MS = 16;
/** Ten seconds. */
const PIECE_SAMPLES = 160_000;
const SAMPLE_SCALE = 32_768;

export function createWhisperEngine(settings: WhisperEngineSettings): TranscriptionEngine {
  const concurrency = settings.concurrency ?? WHISPER_CONCURRENCY_DEFAULT;
  const hosted = createHostedModel("whisper", resolveWhisperModel(settings), {
    loading: settings.loading,
    estimateBytes: () => estimateWhisperBytes(settings),
  });
  const slots = createSlotPool(Array.from({ length: concurrency }, () => ({})));
  const held = createHeldAudio<Recording>();
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
    async prepare({ bytes, ...options }, signal) {
      signal.throwIfAborted();
      refuseUnsupported(await readConfig(), options);
      const recording = await readRecording(decodeAudio(bytes, signal));
      const audioMs = Math.ceil(recording.samples / SAMPLES_PER_MS);
      if (audioMs === 0) throw new AiError("invalid_value", "The recording is empty.", { param: "file" });
      const audioId = await held.hold(recording, recording.samples * Int16Array.BYTES_PER_ELEMENT, signal);
      return { audioId, audioMs, options };
    },
    async *transcribe({ audioId, options }, signal) {
      try {
        const recording = held.take(audioId);
        const slot = await slots.acquire(signal);
        try {
          const { value, release } = await hosted.acquire(signal);
          try {
            yield* listen(value, { recording, options }, signal);
          } finally {
            release();
          }
        } finally {
          slots.release(slot);
        }
      } finally {
        held.release(audioId);
      }
    },
    release: (audioId) => held.release(audioId),
    close: () => hosted.close(),
  };
}

function refuseUnsupported(config: WhisperConfig, { task, languages }: TranscriptionOptions): void {
  const known = listLanguages(config);
  if (task === "translate" && !config.isMultilingual) {
    const message =
      "This model transcribes English only. A translation needs a multilingual one, such as whisper-base.";
    throw new AiError("unsupported_parameter", message, { param: "model" });
  }
  const unknown = languages?.find((language) => !known.has(language));
  if (unknown === undefined) return;
  const list = [...known.keys()].join(", ");
  const message = config.isMultilingual
    ? `The language '${unknown.slice(0, 40)}' is not known to this model. It knows: ${list}.`
    : `This model transcribes English (${ENGLISH}) only. Other languages need a multilingual one, such as whisper-base.`;
  throw new AiError("unsupported_value", message, { param: "language" });
}

async function readRecording(decodedPieces: AsyncIterable<Float32Array>): Promise<Recording> {
  const pieces: Int16Array[] = [];
  let piece = new Int16Array(PIECE_SAMPLES);
  let filled = 0;
  let samples = 0;
  for await (const decoded of decodedPieces) {
    samples += decoded.length;
    for (const sample of decoded) {
      piece[filled] = Math.max(-SAMPLE_SCALE, Math.min(SAMPLE_SCALE - 1, Math.round(sample * SAMPLE_SCALE)));
      filled += 1;
      if (filled < PIECE_SAMPLES) continue;
      pieces.push(piece);
      piece = new Int16Array(PIECE_SAMPLES);
      filled = 0;
    }
  }
  if (filled > 0) pieces.push(piece.slice(0, filled));
  return { pieces, samples };
}

interface Listening {
  readonly recording: Recording;
  readonly options: TranscriptionOptions;
}

async function* listen(
  functions: HostedFunctions<NativeWhisper>,
  { recording, options }: Listening,
  signal: AbortSignal,
): AsyncGenerator<TranscriptionEvent, void> {
  const session = crypto.randomUUID();
  const stopped = new AbortController();
  const stop = AbortSignal.any([signal, stopped.signal]);
  let feeding: Promise<void> = Promise.resolve();
  try {
    for await (const event of functions.streams.transcribe({ session, options }, stop)) {
      if (event.type !== "ready") {
        yield event;
        continue;
      }
      // A recording that can't be fed would never end.
      feeding = feed(functions, { session, recording }, stop).catch((thrown: unknown) => stopped.abort(thrown));
    }
  } finally {
    stopped.abort();
    await feeding;
  }
}

async function feed(
  { answers }: HostedFunctions<NativeWhisper>,
  { session, recording }: { readonly session: string; readonly recording: Recording },
  signal: AbortSignal,
): Promise<void> {
  for (const piece of recording.pieces) {
    const samples = Float32Array.from(piece, (sample) => sample / SAMPLE_SCALE);
    await answers.feed({ session, samples }, signal);
  }
  await answers.finish({ session }, signal);
}
