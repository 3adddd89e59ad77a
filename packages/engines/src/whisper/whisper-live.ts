/** Live audio on its way to Whisper's process. A session in which nobody speaks holds the model only while audio comes. */

import type { LiveTranscription, SpeechBoundary, SpeechDetection } from "@openai-compat/core";
import type { HostedFunctions, HostedModel } from "../host/hosted-model.ts";
import { createSlotPool } from "../shared/slot-pool.ts";
import { listenFed } from "../transcription/listen-fed.ts";
import type { NativeWhisper } from "./native-whisper.ts";
import { RestingAudio } from "./resting-audio.ts";

export interface WhisperLiveOptions {
  readonly hosted: HostedModel<NativeWhisper>;
  /** Side by side. */
  readonly turns: number;
  /** How long a session in which nobody speaks may send nothing before it lets the model go. Default 30 s. */
  readonly restMs?: number;
  /** @throws AiError for languages that the model doesn't know */
  readonly check: (languages: readonly string[] | null) => Promise<void>;
}

const REST_MS = 30_000;
const SAMPLES_PER_MS = 16;

export function createWhisperLive({ hosted, turns, restMs = REST_MS, check }: WhisperLiveOptions): LiveTranscription {
  const slots = createSlotPool(Array.from({ length: turns }, () => ({})));
  return {
    turns,
    async *detectSpeech(audio, detection, signal) {
      const resting = new RestingAudio(audio);
      try {
        while (await resting.hasMore(signal)) {
          const { value, release } = await hosted.acquire(signal);
          try {
            yield* detectUntilRest(value, { resting, restMs, detection }, signal);
          } finally {
            release();
          }
        }
      } finally {
        resting.close();
      }
    },
    async *transcribe(audio, options, signal) {
      signal.throwIfAborted();
      await check(options.languages);
      const slot = await slots.acquire(signal);
      try {
        const { value, release } = await hosted.acquire(signal);
        try {
          const { answers, streams } = value;
          yield* listenFed({ answers, stream: streams.transcribeLive, options, pieces: audio }, signal);
        } finally {
          release();
        }
      } finally {
        slots.release(slot);
      }
    },
  };
}

interface DetectionCall {
  readonly resting: RestingAudio;
  readonly restMs: number;
  readonly detection: SpeechDetection;
}

/** A detector of its own hears what comes until a rest; the times of what it finds go on from the last one's. */
async function* detectUntilRest(
  { answers, streams }: HostedFunctions<NativeWhisper>,
  { resting, restMs, detection }: DetectionCall,
  signal: AbortSignal,
): AsyncGenerator<SpeechBoundary, void> {
  const startMs = Math.floor(resting.samples / SAMPLES_PER_MS);
  let isSpeech = false;
  const pieces = resting.take(restMs, () => !isSpeech);
  const call = { answers, stream: streams.detectSpeech, options: detection, pieces };
  for await (const boundary of listenFed(call, signal)) {
    isSpeech = boundary.type === "speech-started";
    yield { ...boundary, atMs: startMs + boundary.atMs };
  }
}
