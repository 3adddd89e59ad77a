/** Live audio on its way to Whisper's process. A session holds the model from its first audio on. */

import type { LiveTranscription } from "@openai-compat/core";
import type { HostedModel } from "../host/hosted-model.ts";
import { createSlotPool } from "../shared/slot-pool.ts";
import { listenFed } from "../transcription/listen-fed.ts";
import type { NativeWhisper } from "./native-whisper.ts";

export interface WhisperLiveOptions {
  readonly hosted: HostedModel<NativeWhisper>;
  /** Side by side. */
  readonly turns: number;
  /** @throws AiError for languages that the model doesn't know */
  readonly check: (languages: readonly string[] | null) => Promise<void>;
}

export function createWhisperLive({ hosted, turns, check }: WhisperLiveOptions): LiveTranscription {
  const slots = createSlotPool(Array.from({ length: turns }, () => ({})));
  return {
    turns,
    async *detectSpeech(audio, options, signal) {
      const { value, release } = await hosted.acquire(signal);
      try {
        const { answers, streams } = value;
        yield* listenFed({ answers, stream: streams.detectSpeech, options, pieces: audio }, signal);
      } finally {
        release();
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
