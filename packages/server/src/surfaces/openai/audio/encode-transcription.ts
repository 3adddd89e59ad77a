/** A transcript to the body of OpenAI's answer in each format. */

import type { Transcript, TranscribedSegment, TranscribedWord, WorkSlices } from "@openai-compat/core";
import type { CreateTranscriptionResponseJson, TranscriptionSegment, TranscriptionWord } from "@openai-compat/spec";
import { JSON_HEADERS, printList, printObject } from "../print-json.ts";
import type { DecodedTranscription, TranscriptFormat } from "./decode-transcription.ts";
import { encodeLogprobs } from "./encode-logprobs.ts";
import { encodeSrt, encodeVtt } from "./encode-subtitles.ts";
import { encodeLanguage } from "./language-names.ts";

export interface TranscriptionAnswerOptions extends Pick<DecodedTranscription, "format" | "hasSegments"> {
  readonly words: boolean;
  readonly logprobs: boolean;
  readonly task: "transcribe" | "translate";
  /** Of the recording. */
  readonly audioMs: number;
  readonly slices: WorkSlices;
}

const TEXT_HEADERS = { "content-type": "text/plain; charset=utf-8" };

export function headersOf(format: TranscriptFormat): Readonly<Record<string, string>> {
  return format === "json" || format === "verbose_json" ? JSON_HEADERS : TEXT_HEADERS;
}

/** @throws what `slices` throws */
export async function encodeTranscription(
  transcript: Transcript,
  options: TranscriptionAnswerOptions,
): Promise<string> {
  switch (options.format) {
    case "json":
      return JSON.stringify(encodeJson(transcript, options));
    case "verbose_json":
      return printVerbose(transcript, options);
    case "text":
      return `${transcript.text}\n`;
    case "srt":
      return encodeSrt(transcript.segments);
    case "vtt":
      return encodeVtt(transcript.segments);
  }
}

function encodeJson(
  { text, logprobs }: Transcript,
  { task, audioMs, logprobs: hasLogprobs }: TranscriptionAnswerOptions,
): CreateTranscriptionResponseJson {
  return {
    text,
    ...(hasLogprobs && { logprobs: encodeLogprobs(logprobs) }),
    ...(task === "transcribe" && { usage: encodeUsage(audioMs) }),
  };
}

/** Whole seconds, as OpenAI counts them. */
function encodeUsage(audioMs: number) {
  return { type: "duration" as const, seconds: Math.ceil(audioMs / 1000) };
}

/** What a language is called that nobody spoke. */
const NO_LANGUAGE = "unknown";

async function printVerbose(transcript: Transcript, options: TranscriptionAnswerOptions): Promise<string> {
  const { task, audioMs, words: hasWords, hasSegments, slices } = options;
  const { segments, text, language } = transcript;
  const spoken = language === null ? NO_LANGUAGE : encodeLanguage(language);
  const members = {
    task,
    language: task === "translate" ? "english" : spoken,
    duration: audioMs / 1000,
    text,
    ...(task === "transcribe" && { usage: encodeUsage(audioMs) }),
  };
  const words = segments.flatMap((segment) => segment.words ?? []);
  return printObject(members, {
    ...(hasSegments && {
      segments: await printList(segments, (segment) => JSON.stringify(encodeSegment(segment)), slices),
    }),
    ...(hasWords && { words: await printList(words, (word) => JSON.stringify(encodeWord(word)), slices) }),
  });
}

function encodeSegment(segment: TranscribedSegment): TranscriptionSegment {
  return {
    id: segment.id,
    seek: segment.seek,
    start: segment.startMs / 1000,
    end: segment.endMs / 1000,
    text: segment.text,
    tokens: [...segment.tokens],
    temperature: segment.temperature,
    avg_logprob: segment.averageLogprob,
    compression_ratio: segment.compressionRatio,
    no_speech_prob: segment.noSpeechProbability,
  };
}

function encodeWord({ word, startMs, endMs }: TranscribedWord): TranscriptionWord {
  return { word, start: startMs / 1000, end: endMs / 1000 };
}
