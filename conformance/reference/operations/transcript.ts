/**
 * The reference server's transcriptions and translations: it hears the words that the checks play to it and those that
 * they have it speak, and none in silence. Each demand on a request is a rule of its own, so that a mutant can drop it.
 */

import { SPOKEN_TEXT } from "../../checks/support/speech-calls.ts";
import { TRANSCRIPTION_MODELS } from "../models.ts";
import { makeRefusal, type Refusal } from "../refusal.ts";
import { decodeForm } from "./decode-body.ts";
import type { Answer, Fields, Media, ReferenceOperation } from "./operation.ts";
import { readRecording, type Recording } from "./recording.ts";

/** What a recording costs, whatever its length. */
const COST = 16;
const PLAYED = "And so, my fellow Americans";
const WORDS_PER_SEGMENT = 3;
const FORMATS: readonly unknown[] = [undefined, "json", "text", "srt", "vtt", "verbose_json"];
const LANGUAGES: readonly unknown[] = [undefined, "en", "de", "es", "fr", "english"];
const BOOLEANS: readonly unknown[] = [undefined, "true", "false"];

export type Task = "transcribe" | "translate";

export interface Word {
  readonly word: string;
  readonly start: number;
  readonly end: number;
}

export interface Segment {
  readonly id: number;
  readonly seek: number;
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly tokens: readonly number[];
  readonly temperature: number;
  readonly avg_logprob: number;
  readonly compression_ratio: number;
  readonly no_speech_prob: number;
}

export interface TranscriptAnswer extends Answer {
  readonly task: Task;
  readonly seconds: number;
  readonly text: string;
  readonly words: readonly Word[];
  readonly segments: readonly Segment[];
}

export type TranscriptRule = (request: Fields) => Refusal | null;

const refuse = (param: string, name: "invalid_value" | "invalid_type" = "invalid_value") =>
  makeRefusal(name, { param });

function isTemperature(value: unknown): boolean {
  return value === undefined || (typeof value === "string" && /^\d*\.?\d+$/.test(value) && Number(value) <= 1);
}

const COMMON_RULES: Readonly<Record<string, TranscriptRule>> = {
  model: ({ model }) => (typeof model === "string" ? null : makeRefusal("missing_parameter", { param: "model" })),
  file: ({ file }) => (file === undefined ? makeRefusal("missing_parameter", { param: "file" }) : null),
  upload: ({ file }) => (typeof file === "string" ? refuse("file", "invalid_type") : null),
  empty: (request) => (fileOf(request)?.length === 0 ? refuse("file") : null),
  audio: (request) => {
    const file = fileOf(request);
    return file !== null && file.length > 0 && readRecording(file) === null ? refuse("file") : null;
  },
  response_format: ({ response_format: format }) => (FORMATS.includes(format) ? null : refuse("response_format")),
  temperature: ({ temperature }) => (isTemperature(temperature) ? null : refuse("temperature")),
};

/** By what they are about. */
export const TRANSCRIPT_RULES: Readonly<Record<Task, Readonly<Record<string, TranscriptRule>>>> = {
  transcribe: {
    ...COMMON_RULES,
    language: ({ language }) => (LANGUAGES.includes(language) ? null : refuse("language")),
    stream: ({ stream }) => (BOOLEANS.includes(stream) ? null : refuse("stream")),
    granularity: (request) =>
      listOf(request, "timestamp_granularities").every((name) => name === "word" || name === "segment")
        ? null
        : refuse("timestamp_granularities"),
    granularity_format: (request) =>
      listOf(request, "timestamp_granularities").length === 0 || request["response_format"] === "verbose_json"
        ? null
        : refuse("timestamp_granularities"),
    include: (request) => (listOf(request, "include").every((name) => name === "logprobs") ? null : refuse("include")),
    chunking_strategy: ({ chunking_strategy: strategy }) =>
      strategy === undefined || strategy === "auto" || strategy === "server_vad" ? null : refuse("chunking_strategy"),
  },
  translate: COMMON_RULES,
};

export function hearing(task: Task): ReferenceOperation<TranscriptAnswer> {
  return {
    isBilled: true,
    decode: decodeForm,
    validate: validateTranscript(TRANSCRIPT_RULES[task]),
    serves: ({ id }) => TRANSCRIPTION_MODELS.includes(id),
    estimate: () => COST,
    answer: (request) => answerTranscript(task, request),
    encode: encodeTranscript,
    encodeStream: encodeTranscriptEvents,
  };
}

export function validateTranscript(rules: Readonly<Record<string, TranscriptRule>>): TranscriptRule {
  return (request) => {
    for (const rule of Object.values(rules)) {
      const refusal = rule(request);
      if (refusal !== null) return refusal;
    }
    return null;
  };
}

/** The bytes of the file; null where there are none. */
function fileOf({ file }: Fields): Uint8Array | null {
  if (typeof file !== "object" || file === null || !("bytes" in file)) return null;
  return file.bytes instanceof Uint8Array ? file.bytes : null;
}

/** The values of a list, whether it was sent as one or not. */
export function listOf(request: Fields, name: string): readonly unknown[] {
  const value = request[name];
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

const NOTHING: Recording = { seconds: 1, isSilent: true, isOwn: false };

/** Answers a valid request. */
function answerTranscript(task: Task, given: Fields): TranscriptAnswer {
  const { seconds, isSilent, isOwn } = readRecording(fileOf(given) ?? new Uint8Array()) ?? NOTHING;
  const said = isSilent ? [] : (isOwn ? SPOKEN_TEXT : PLAYED).split(" ");
  const words = said.map((word, index) => ({
    word,
    start: (index * seconds) / said.length,
    end: ((index + 1) * seconds) / said.length,
  }));
  const segments = Array.from({ length: Math.ceil(said.length / WORDS_PER_SEGMENT) }, (_, id) =>
    composeSegment(words.slice(id * WORDS_PER_SEGMENT, (id + 1) * WORDS_PER_SEGMENT), id),
  );
  // What decides whether an answer streams is a boolean.
  const request = { ...given, stream: given["stream"] === "true" };
  return { request, cost: COST, breaksAfter: null, task, seconds, text: said.join(" "), words, segments };
}

function composeSegment(words: readonly Word[], id: number): Segment {
  return {
    id,
    seek: 0,
    start: words[0]?.start ?? 0,
    end: words.at(-1)?.end ?? 0,
    text: ` ${words.map(({ word }) => word).join(" ")}`,
    tokens: words.map((_, index) => 100 + index),
    temperature: 0,
    avg_logprob: -0.25,
    compression_ratio: 1.2,
    no_speech_prob: 0.02,
  };
}

/** JSON, or a text of its own type. */
export function encodeTranscript(answer: TranscriptAnswer): unknown {
  const { request, text, segments } = answer;
  switch (request["response_format"]) {
    case "text":
      return encodePlain(`${text}\n`);
    case "srt":
      return encodePlain(segments.map((segment, index) => `${index + 1}\n${composeCue(segment, ",")}`).join(""));
    case "vtt":
      return encodePlain(`WEBVTT\n\n${segments.map((segment) => composeCue(segment, ".")).join("")}`);
    case "verbose_json":
      return encodeVerbose(answer);
    default:
      return encodeJson(answer);
  }
}

export function encodePlain(text: string): Media {
  return { contentType: "text/plain; charset=utf-8", bytes: Buffer.from(text) };
}

export function composeCue({ start, end, text }: Pick<Segment, "start" | "end" | "text">, point: string): string {
  return `${composeTime(start, point)} --> ${composeTime(end, point)}\n${text.trim()}\n\n`;
}

function composeTime(seconds: number, point: string): string {
  return new Date(Math.round(seconds * 1000)).toISOString().slice(11, 23).replace(".", point);
}

function encodeJson({ task, text, seconds }: TranscriptAnswer): object {
  const usage = { type: "duration", seconds: Math.ceil(seconds) };
  return { text, ...(task === "transcribe" ? { usage } : {}) };
}

function encodeVerbose({ request, task, text, seconds, words, segments }: TranscriptAnswer): object {
  const granularities = listOf(request, "timestamp_granularities");
  const hasWords = granularities.includes("word");
  const hasSegments = !hasWords || granularities.includes("segment");
  return {
    task,
    language: "english",
    duration: seconds,
    text,
    ...(hasSegments ? { segments } : {}),
    ...(hasWords ? { words } : {}),
  };
}

/** A delta for each word, then all of it. */
export function encodeTranscriptEvents({ text, words }: TranscriptAnswer): readonly object[] {
  const deltas = words.map(({ word }, index) => ({
    type: "transcript.text.delta",
    delta: index === 0 ? word : ` ${word}`,
  }));
  return [...deltas, { type: "transcript.text.done", text }];
}
