/** How audio is cut into parts for Whisper: a part fits into a window, with silence after its last word. */

import type { SpeechDetection } from "@openai-compat/core";
import type { SpeechPartsSettings } from "../vad/speech-parts.ts";

const SAMPLES_PER_MS = 16;
/** What a window is longer than a part: the model wants silence after the last word. */
const WINDOW_REST_SAMPLES = 2_000 * SAMPLES_PER_MS;
const JOINED_PAUSE_SAMPLES_MAX = 2_000 * SAMPLES_PER_MS;
const DEFAULT_DETECTION = { threshold: 0.5, prefixPaddingMs: 200, silenceMs: 300 };

/** @param detection null: the default */
export function describeParts(detection: SpeechDetection | null, windowSamples: number): SpeechPartsSettings {
  const { threshold, prefixPaddingMs, silenceMs } = detection ?? DEFAULT_DETECTION;
  const pauseSamples = silenceMs * SAMPLES_PER_MS;
  const partSamplesMax = windowSamples - WINDOW_REST_SAMPLES;
  return {
    threshold,
    paddingSamples: prefixPaddingMs * SAMPLES_PER_MS,
    pauseSamples,
    joinedPauseSamplesMax: Math.max(pauseSamples, JOINED_PAUSE_SAMPLES_MAX),
    partSamplesMax,
    cutSamplesMin: partSamplesMax,
  };
}

/** As soon as a part is long enough, it ends with the next pause: what was sent of it never lies beyond that. */
export function describeLiveParts(windowSamples: number): SpeechPartsSettings {
  const settings = describeParts(null, windowSamples);
  return { ...settings, cutSamplesMin: settings.partSamplesMax / 2 };
}
