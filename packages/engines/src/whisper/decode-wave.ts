/** The samples of a WAV file of 16 kHz and 16 bits. */

import { AiError } from "@openai-compat/core";
import { readWave } from "../scripted/read-wave.ts";
import type { DecodeRecording } from "./whisper-settings.ts";

const SAMPLE_RATE = 16_000;

export const decodeWave: DecodeRecording = async function* decodeWave(bytes) {
  const { samples, sampleRate } = readWave(bytes);
  if (sampleRate !== SAMPLE_RATE) {
    const message = `The audio can't be read: it has ${sampleRate} Hz, and ${SAMPLE_RATE} Hz are needed.`;
    throw new AiError("unsupported_value", message, { param: "file" });
  }
  yield samples;
};
