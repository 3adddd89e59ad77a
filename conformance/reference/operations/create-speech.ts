/** The reference server's speech: a hum, a little for each character, as a file of the requested format. */

import { composeWave } from "../../checks/support/wave.ts";
import { SPEECH_MODELS } from "../models.ts";
import { makeRefusal, type Refusal } from "../refusal.ts";
import { decodeJson } from "./decode-body.ts";
import type { Answer, Fields, Media, ReferenceOperation } from "./operation.ts";
import { encodeFile, SPEECH_RATE } from "./recording.ts";

export interface Speech extends Answer {
  readonly format: string;
  readonly milliseconds: number;
}

const MS_PER_CHARACTER = 50;
const CHARACTERS_MAX = 4096;
const VOICES: readonly unknown[] = ["alloy", "echo", "fable", "nova", "onyx", "shimmer"];

export const CONTENT_TYPES: Readonly<Record<string, string>> = {
  mp3: "audio/mpeg",
  opus: "audio/ogg",
  aac: "audio/aac",
  flac: "audio/flac",
  wav: "audio/wav",
  pcm: "audio/pcm",
};

export type SpeechRule = (request: Fields) => Refusal | null;

const refuse = (param: string, name: "invalid_value" | "invalid_type" = "invalid_value") =>
  makeRefusal(name, { param });
const missing = (param: string) => makeRefusal("missing_parameter", { param });
const isLeftOut = (value: unknown): value is null | undefined => value === undefined || value === null;

/** By what they are about. */
export const SPEECH_RULES: Readonly<Record<string, SpeechRule>> = {
  model: ({ model }) => (typeof model === "string" ? null : missing("model")),
  input: ({ input }) => (isLeftOut(input) ? missing("input") : null),
  input_type: ({ input }) => (isLeftOut(input) || typeof input === "string" ? null : refuse("input", "invalid_type")),
  input_empty: ({ input }) => (input === "" ? refuse("input") : null),
  input_length: ({ input }) => (String(input).length > CHARACTERS_MAX ? refuse("input") : null),
  voice: ({ voice }) => (isLeftOut(voice) ? missing("voice") : null),
  voice_name: (request) =>
    isLeftOut(request["voice"]) || VOICES.includes(voiceOf(request))
      ? null
      : makeRefusal("invalid_value", { param: "voice", message: `The voices are ${VOICES.join(", ")}.` }),
  response_format: ({ response_format: format }) =>
    isLeftOut(format) || (typeof format === "string" && format in CONTENT_TYPES) ? null : refuse("response_format"),
  speed_type: ({ speed }) => (isLeftOut(speed) || typeof speed === "number" ? null : refuse("speed", "invalid_type")),
  speed_low: ({ speed }) => (typeof speed === "number" && speed < 0.25 ? refuse("speed") : null),
  speed_high: ({ speed }) => (typeof speed === "number" && speed > 4 ? refuse("speed") : null),
  stream_format: ({ stream_format: format }) =>
    isLeftOut(format) || format === "sse" || format === "audio" ? null : refuse("stream_format"),
  instructions: ({ instructions }) =>
    isLeftOut(instructions) || typeof instructions === "string" ? null : refuse("instructions", "invalid_type"),
};

export const createSpeech: ReferenceOperation<Speech> = {
  isBilled: true,
  decode: decodeJson,
  validate: validateSpeech(SPEECH_RULES),
  serves: ({ id }) => SPEECH_MODELS.includes(id),
  estimate: ({ input }) => String(input).length,
  answer: answerSpeech,
  encode: encodeSpeech,
  encodeStream: encodeSpeechEvents,
};

export function validateSpeech(rules: Readonly<Record<string, SpeechRule>>): SpeechRule {
  return (request) => {
    for (const rule of Object.values(rules)) {
      const refusal = rule(request);
      if (refusal !== null) return refusal;
    }
    return null;
  };
}

/** Its name, or its id. */
function voiceOf({ voice }: Fields): unknown {
  return typeof voice === "object" && voice !== null && "id" in voice ? voice.id : voice;
}

/** Answers a valid request. */
export function answerSpeech(given: Fields): Speech {
  const { input, response_format: format, speed } = given;
  const { length } = String(input);
  const request = { ...given, stream: given["stream_format"] === "sse" };
  const milliseconds = (length * MS_PER_CHARACTER) / (typeof speed === "number" ? speed : 1);
  return {
    request,
    cost: length,
    breaksAfter: null,
    format: typeof format === "string" ? format : "mp3",
    milliseconds,
  };
}

export function encodeSpeech({ format, milliseconds }: Speech): Media {
  return { contentType: CONTENT_TYPES[format] ?? "", bytes: encodeSound(format, milliseconds) };
}

export function encodeSound(format: string, milliseconds: number): Uint8Array {
  if (format !== "wav" && format !== "pcm") return encodeFile(format, Math.round(milliseconds));
  const samples = new Int16Array(Math.round((milliseconds * SPEECH_RATE) / 1000));
  for (const index of samples.keys()) samples[index] = 8000 * Math.sin(index / 10);
  const wave = composeWave({ samples, sampleRate: SPEECH_RATE });
  return format === "wav" ? wave : wave.subarray(44);
}

const PIECES = 3;

/** The bytes in a few pieces, then what they took. */
export function encodeSpeechEvents(speech: Speech): readonly object[] {
  const { bytes } = encodeSpeech(speech);
  const size = Math.ceil(bytes.length / PIECES);
  const deltas = Array.from({ length: PIECES }, (_, index) => ({
    type: "speech.audio.delta",
    audio: Buffer.from(bytes.subarray(index * size, (index + 1) * size)).toString("base64"),
  }));
  const usage = { input_tokens: speech.cost, output_tokens: PIECES, total_tokens: speech.cost + PIECES };
  return [...deltas, { type: "speech.audio.done", usage }];
}
