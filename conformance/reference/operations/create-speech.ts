/** The reference server's speech: silence, a little for each character, as a WAV file. */

import { SPEECH_MODELS } from "../models.ts";
import { makeRefusal } from "../refusal.ts";
import { decodeJson } from "./decode-body.ts";
import type { Answer, Media, ReferenceOperation } from "./operation.ts";

export interface Speech extends Answer {
  readonly samples: number;
}

const SAMPLE_RATE = 8000;
const SAMPLES_PER_CHARACTER = 400;
const INPUT_CHARACTERS_MAX = 4096;

export const createSpeech: ReferenceOperation<Speech> = {
  isBilled: true,
  decode: decodeJson,
  validate({ model, input, voice }) {
    if (typeof model !== "string") return makeRefusal("missing_parameter", { param: "model" });
    if (typeof input !== "string" || input === "") return makeRefusal("missing_parameter", { param: "input" });
    if (input.length > INPUT_CHARACTERS_MAX) return makeRefusal("invalid_value", { param: "input" });
    return voice === undefined ? makeRefusal("missing_parameter", { param: "voice" }) : null;
  },
  serves: ({ id }) => SPEECH_MODELS.includes(id),
  estimate: ({ input }) => String(input).length,
  answer(request) {
    const { length } = String(request["input"]);
    return { request, cost: length, breaksAfter: null, samples: length * SAMPLES_PER_CHARACTER };
  },
  encode: ({ samples }): Media => ({ contentType: "audio/wav", bytes: encodeSilence(samples) }),
};

/** Mono, 16 bits. */
function encodeSilence(samples: number): Uint8Array {
  const dataBytes = 2 * samples;
  const header = Buffer.alloc(44);
  header.write("RIFF", 0, "latin1");
  header.writeUInt32LE(36 + dataBytes, 4);
  header.write("WAVEfmt ", 8, "latin1");
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(SAMPLE_RATE, 24);
  header.writeUInt32LE(2 * SAMPLE_RATE, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write("data", 36, "latin1");
  header.writeUInt32LE(dataBytes, 40);
  return Buffer.concat([header, Buffer.alloc(dataBytes)]);
}
