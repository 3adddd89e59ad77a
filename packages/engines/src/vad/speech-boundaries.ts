/** Where speech begins and ends in audio that arrives piece by piece. Less than a frame of it is held. */

import type { SpeechBoundary, SpeechDetection } from "@openai-compat/core";
import { FRAME_SAMPLES, SPEECH_SAMPLES_MIN } from "./silero-vad.ts";
import type { LiveVoiceDetector } from "./silero-vad.ts";
import { SpeechTracker } from "./speech-tracker.ts";

const SAMPLES_PER_MS = 16;
/** What is never louder, 66 dB below the loudest sound, is a microphone that is switched off: the model needn't hear it. */
const MUTED_LEVEL_MAX = 0.0005;

export interface SpeechBoundaries {
  /** @returns what is known with it, in order */
  feed(samples: Float32Array): Promise<readonly SpeechBoundary[]>;
}

export function createSpeechBoundaries(
  detector: LiveVoiceDetector,
  { threshold, silenceMs }: SpeechDetection,
): SpeechBoundaries {
  const pauseSamples = silenceMs * SAMPLES_PER_MS;
  const tracker = new SpeechTracker({ threshold, pauseSamples, speechSamplesMin: SPEECH_SAMPLES_MIN });
  let rest = new Float32Array(0);
  let frames = 0;
  let isStarted = false;

  function* follow(probability: number): Generator<SpeechBoundary, void> {
    const start = frames * FRAME_SAMPLES;
    frames += 1;
    const ended = tracker.add({ start, end: start + FRAME_SAMPLES }, probability);
    const speech = ended ?? tracker.ongoing;
    if (speech !== null && !isStarted) {
      isStarted = true;
      yield { type: "speech-started", atMs: Math.floor(speech.start / SAMPLES_PER_MS) };
    }
    if (ended === null) return;
    isStarted = false;
    yield { type: "speech-stopped", atMs: Math.floor(ended.end / SAMPLES_PER_MS) };
  }

  return {
    async feed(samples) {
      const joined = new Float32Array(rest.length + samples.length);
      joined.set(rest);
      joined.set(samples, rest.length);
      const whole = joined.length - (joined.length % FRAME_SAMPLES);
      rest = joined.slice(whole);
      if (whole === 0) return [];
      const samplesOfFrames = joined.subarray(0, whole);
      if (!tracker.isTracking && isMuted(samplesOfFrames)) {
        detector.skip(samplesOfFrames);
        frames += whole / FRAME_SAMPLES;
        return [];
      }
      const probabilities = await detector.read(samplesOfFrames);
      return Array.from(probabilities).flatMap((probability) => [...follow(probability)]);
    },
  };
}

function isMuted(samples: Float32Array): boolean {
  return samples.every((sample) => Math.abs(sample) <= MUTED_LEVEL_MAX);
}
