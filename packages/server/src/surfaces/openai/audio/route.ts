/** `POST /audio/transcriptions`, `/audio/translations` and `/audio/speech`. */

import { foldTranscription, speechCalls, transcriptionCalls, translationCalls } from "@openai-compat/core";
import type { FormField, TranscriptionRun } from "@openai-compat/core";
import { SPEECH_CONTENT_TYPES } from "@openai-compat/spec";
import { FORM_BODY, JSON_BODY, defineModelRoute } from "../model-route.ts";
import type { DecodedCall } from "../model-route.ts";
import { COMPLETION_STREAM, SPEECH_STREAM } from "../protocol/event-streams.ts";
import { defineFormDecoder } from "./decode-form.ts";
import { decodeSpeech } from "./decode-speech.ts";
import { decodeTranscription, decodeTranslation } from "./decode-transcription.ts";
import type { DecodedTranscription } from "./decode-transcription.ts";
import { decodeUpstreamSpeech } from "./decode-upstream-speech.ts";
import { encodeSpeechStream, listSound } from "./encode-speech.ts";
import { encodeTranscription, headersOf } from "./encode-transcription.ts";
import { encodeTranscriptionStream } from "./encode-transcription-stream.ts";

export const createTranscription = defineModelRoute(transcriptionCalls, {
  body: FORM_BODY,
  decodeUpstream: defineFormDecoder("createTranscription"),
  decode: (fields: readonly FormField[]) => describeAnswer("transcribe", decodeTranscription(fields)),
});

export const createTranslation = defineModelRoute(translationCalls, {
  body: FORM_BODY,
  decodeUpstream: defineFormDecoder("createTranslation"),
  decode: (fields: readonly FormField[]) => describeAnswer("translate", decodeTranslation(fields)),
});

function describeAnswer(
  task: "transcribe" | "translate",
  decoded: DecodedTranscription,
): DecodedCall<DecodedTranscription["request"], TranscriptionRun> {
  const { request, format, hasSegments } = decoded;
  const { stream, words, logprobs } = request;
  // Without the recording: what writes the answer lives as long as the call.
  const options = { task, format, hasSegments, words, logprobs };
  return {
    request,
    encode: async (run, slices) =>
      encodeTranscription(await foldTranscription(run.events), { ...options, audioMs: run.audioMs, slices }),
    encodeHeaders: () => (stream ? {} : headersOf(format)),
    stream: stream
      ? {
          protocol: COMPLETION_STREAM,
          includeUsage: true,
          encode: (run, ending) => encodeTranscriptionStream(run, { logprobs }, ending),
        }
      : null,
  };
}

export const createSpeech = defineModelRoute(speechCalls, {
  body: JSON_BODY,
  decodeUpstream: decodeUpstreamSpeech,
  decode({ value }) {
    const { request, isEvents } = decodeSpeech(value);
    return {
      request,
      listBytes: listSound,
      encodeHeaders: () => (isEvents ? {} : { "content-type": SPEECH_CONTENT_TYPES[request.format] }),
      stream: isEvents ? { protocol: SPEECH_STREAM, includeUsage: true, encode: encodeSpeechStream } : null,
    };
  },
});
