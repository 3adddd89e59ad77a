/** What a `session.update` may not ask for: a rule each, so that a mutant can drop it. */

import type { JsonObject } from "../../src/expect.ts";
import { TRANSCRIPTION_MODELS } from "../models.ts";
import { AUDIO_FORMATS } from "./audio.ts";
import { type Fault, readAt, type Session } from "./session.ts";

export type UpdateRule = (patch: JsonObject, session: Session) => Fault | null;

const INPUT_KEYS = ["format", "transcription", "noise_reduction", "turn_detection"];
const TRANSCRIPTION_KEYS = ["type", "audio", "include"];
const DETECTION_TYPES: readonly unknown[] = [undefined, "server_vad", "semantic_vad"];

const invalid = (param: string, message: string): Fault => ({ code: "invalid_value", message, param });

function input(patch: JsonObject, name: string): unknown {
  return readAt(patch, ["audio", "input", name]);
}

export const UPDATE_RULES: Readonly<Record<string, UpdateRule>> = {
  type: ({ type }) =>
    type === undefined
      ? {
          code: "missing_required_parameter",
          message: "Missing required parameter: 'session.type'.",
          param: "session.type",
        }
      : null,
  fixed: ({ type }, { kind }) =>
    type === kind
      ? null
      : {
          code: "invalid_parameter",
          message: `Passing a ${String(type)} session update event to a ${kind} session is not allowed.`,
          param: "session.type",
        },
  unknown: (patch, { kind }) => {
    const own = kind === "transcription" ? Object.keys(patch).find((key) => !TRANSCRIPTION_KEYS.includes(key)) : null;
    const audio = readAt(patch, ["audio", "input"]);
    const inner = Object.keys(typeof audio === "object" && audio !== null ? audio : {});
    const typo = inner.find((key) => !INPUT_KEYS.includes(key));
    const path = own ?? (typo === undefined ? undefined : `audio.input.${typo}`);
    if (path === undefined || path === null) return null;
    return { code: "unknown_parameter", message: `Unknown parameter: 'session.${path}'.`, param: `session.${path}` };
  },
  format: (patch) => {
    const format = input(patch, "format");
    if (format === undefined) return null;
    const holds = AUDIO_FORMATS[String(readAt(format, ["type"]))] !== undefined;
    return holds ? null : invalid("session.audio.input.format.type", "No such audio format.");
  },
  rate: (patch) => {
    const rate = readAt(input(patch, "format"), ["rate"]);
    const holds = rate === undefined || rate === 24_000;
    return holds ? null : invalid("session.audio.input.format.rate", "The rate of audio/pcm is 24000.");
  },
  detection: (patch) => {
    const detection = input(patch, "turn_detection");
    const type = readAt(detection, ["type"]);
    const holds = detection === undefined || detection === null || DETECTION_TYPES.includes(type);
    return holds ? null : invalid("session.audio.input.turn_detection.type", "No such turn detection.");
  },
  silence: (patch) => {
    const silence = readAt(input(patch, "turn_detection"), ["silence_duration_ms"]);
    const holds = silence === undefined || (typeof silence === "number" && silence >= 0);
    return holds ? null : invalid("session.audio.input.turn_detection.silence_duration_ms", "Send a duration.");
  },
  threshold: (patch) => {
    const threshold = readAt(input(patch, "turn_detection"), ["threshold"]);
    const holds = threshold === undefined || (typeof threshold === "number" && threshold >= 0 && threshold <= 1);
    return holds ? null : invalid("session.audio.input.turn_detection.threshold", "Send a number from 0 to 1.");
  },
  language: (patch) => {
    const language = readAt(input(patch, "transcription"), ["language"]);
    const holds = language === undefined || typeof language === "string";
    return holds ? null : invalid("session.audio.input.transcription.language", "Send a string.");
  },
  model: (patch) => {
    const model = readAt(input(patch, "transcription"), ["model"]);
    const holds = model === undefined || (typeof model === "string" && TRANSCRIPTION_MODELS.includes(model));
    const param = "session.audio.input.transcription.model";
    return holds ? null : { code: "model_not_found", message: "There is no such model.", param };
  },
};
