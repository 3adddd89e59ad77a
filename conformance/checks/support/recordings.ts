/** The recording in which somebody speaks, as a WAV file. Nothing here judges. */

import { SPOKEN_SAMPLES } from "./spoken-samples.ts";
import { composeWave } from "./wave.ts";

export const SPOKEN_WORDS = "and so my fellow americans";
const SAMPLE_RATE = 8000;

/** ITU-T G.711. */
function expandMuLaw(byte: number): number {
  const code = ~byte & 0xff;
  const magnitude = ((((code & 0x0f) << 3) + 0x84) << ((code >> 4) & 0x07)) - 0x84;
  return (code & 0x80) === 0 ? magnitude : -magnitude;
}

/** Mono, 16 bits, 8 kHz. */
export const spokenSamples: Int16Array = Int16Array.from(Buffer.from(SPOKEN_SAMPLES, "base64"), expandMuLaw);

/** Mono, 16 bits, 8 kHz. */
export const SPOKEN: Uint8Array<ArrayBuffer> = composeWave({ samples: spokenSamples, sampleRate: SAMPLE_RATE });

export const SPOKEN_SECONDS = spokenSamples.length / SAMPLE_RATE;
