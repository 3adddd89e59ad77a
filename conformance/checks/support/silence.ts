/** Recordings of silence, as WAV files: mono, 16 bits. */

import { composeWave } from "./wave.ts";

const SAMPLE_RATE = 16_000;

/** Of so many seconds. */
export function composeSilence(seconds: number): Uint8Array<ArrayBuffer> {
  return composeWave({ samples: new Int16Array(seconds * SAMPLE_RATE), sampleRate: SAMPLE_RATE });
}

/** The smallest recording that is one: a tenth of a second. */
export function silentRecording(): File {
  return new File([composeSilence(0.1)], "silence.wav", { type: "audio/wav" });
}
