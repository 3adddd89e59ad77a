/** Which translator an answer gets, by what was asked and what its head says. Anything unexpected is refused. */

import type { RelayRequest } from "@openai-compat/core";
import type { AnswerTranslator } from "./answer-translator.ts";
import { createAudioEventReader } from "./audio-event-reader.ts";
import { createChunkReader } from "./chunk-reader.ts";
import type { UpstreamErrorContext } from "./decode-error.ts";
import type { ExchangeAnswer } from "./exchange.ts";
import { createBytesTranslator } from "./translate-bytes.ts";
import { createEventStreamTranslator } from "./translate-event-stream.ts";
import { createJsonTranslator } from "./translate-json.ts";
import { UpstreamFault } from "./upstream-fault.ts";

export interface TranslatorOptions {
  readonly request: RelayRequest;
  readonly eventBytesMax: number;
  readonly errorContext: UpstreamErrorContext;
}

const VISIBLE_ASCII = /^[\x20-\x7e]+$/;
const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json$/;
const AUDIO_TYPE = /^(?:audio\/.+|application\/octet-stream)$/;
/** Subtitles and plain text; a web page is what a proxy sends in the place of an answer. */
const TEXT_TYPE = /^text\/(?!html$|event-stream$)/;

/** @throws UpstreamFault `invalid` for a content type or encoding that was not asked for */
export function chooseTranslator(
  { headers }: Pick<ExchangeAnswer, "headers">,
  { request, eventBytesMax, errorContext }: TranslatorOptions,
): AnswerTranslator {
  const encoding = headers["content-encoding"] ?? "identity";
  if (encoding !== "identity") throw new UpstreamFault("invalid", "The answer is compressed, though that was refused.");
  const contentType: unknown = headers["content-type"];
  if (typeof contentType !== "string" || !VISIBLE_ASCII.test(contentType)) {
    throw new UpstreamFault("invalid", "The answer has no content type.");
  }
  const mediaType = contentType.replace(/;.*$/, "").trim().toLowerCase();
  if (request.stream) {
    if (mediaType !== "text/event-stream") throw unexpected(mediaType);
    const isCompletion = request.operation === "chat" || request.operation === "completion";
    const reader = isCompletion ? createChunkReader(request) : createAudioEventReader();
    return createEventStreamTranslator({ reader, eventBytesMax, errorContext });
  }
  switch (request.operation) {
    case "speech":
      if (AUDIO_TYPE.test(mediaType)) return createBytesTranslator(contentType);
      break;
    case "transcription":
    case "translation":
      if (TEXT_TYPE.test(mediaType)) return createBytesTranslator(contentType);
      if (JSON_TYPE.test(mediaType)) return createJsonTranslator(request, errorContext);
      break;
    case "chat":
    case "completion":
    case "embedding":
      if (JSON_TYPE.test(mediaType)) return createJsonTranslator(request, errorContext);
  }
  throw unexpected(mediaType);
}

function unexpected(mediaType: string): UpstreamFault {
  return new UpstreamFault("invalid", `The answer is ${mediaType}, which was not asked for.`);
}
