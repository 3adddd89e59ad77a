/**
 * Chooses the translator of an answer by the request and the body. Content types are unreliable: servers send streams
 * as JSON, JSON as streams, and errors as either.
 */

import { MODEL_OPERATIONS, answersWithChunks } from "@openai-compat/core";
import type { ModelRequestId } from "@openai-compat/core";
import type { AnswerTranslator, TranslatorOptions } from "./answer-translator.ts";
import { createAudioEventReader } from "./audio-event-reader.ts";
import { createChunkReader } from "./chunk-reader.ts";
import type { EventReader } from "./event-reader.ts";
import type { ExchangeAnswer } from "./exchange.ts";
import { createResponseEventReader } from "./response-event-reader.ts";
import { createSniffingTranslator } from "./sniffing-translator.ts";
import { createBytesTranslator } from "./translate-bytes.ts";
import { createEventStreamTranslator } from "./translate-event-stream.ts";
import { createJsonTranslator } from "./translate-json.ts";
import { createTranscriptTranslator } from "./translate-transcript.ts";
import { createFoldingTranslator } from "./translate-to-whole.ts";
import { UpstreamError } from "./upstream-error.ts";

const VISIBLE_ASCII = /^[\x20-\x7e]+$/;
const AUDIO_TYPE = /^(?:audio\/.+|application\/ogg|application\/octet-stream)$/;
const EVENT_STREAM = "text/event-stream";

/** @throws UpstreamError `invalid` for a body that can't be an answer; also later, when the body has begun */
export function chooseTranslator(
  { headers }: Pick<ExchangeAnswer, "headers">,
  options: TranslatorOptions,
): AnswerTranslator {
  const { request, droppedParameters } = options;
  const contentType = readContentType(headers["content-type"]);
  const mediaType = contentType.replace(/;.*$/, "").trim().toLowerCase();
  if (request.stream) {
    // Raw speech in place of events can't be distinguished from a stream.
    if (mediaType.startsWith("audio/")) throw unexpected(mediaType);
    return createSniffingTranslator((first) => chooseStreamed(first, mediaType, options));
  }
  if (MODEL_OPERATIONS[request.operation].answer === "bytes") {
    if (AUDIO_TYPE.test(mediaType)) return createBytesTranslator(contentType, droppedParameters);
    return createSniffingTranslator((first) => {
      if (first === "{") return createJsonTranslator(options);
      if (mediaType !== "" || first === "" || first === "<") throw unexpected(mediaType);
      return createBytesTranslator("application/octet-stream", droppedParameters);
    });
  }
  return createSniffingTranslator((first) => chooseWhole(first, { contentType, mediaType }, options));
}

function chooseStreamed(first: string, mediaType: string, options: TranslatorOptions): AnswerTranslator {
  if (first === "{" || first === "[") return createJsonTranslator(options);
  if (first === "<") throw unexpected(mediaType);
  return createStreamTranslator(options);
}

function chooseWhole(
  first: string,
  { contentType, mediaType }: { readonly contentType: string; readonly mediaType: string },
  options: TranslatorOptions,
): AnswerTranslator {
  const { operation } = options.request;
  if (first === "<" || mediaType === "text/html") throw unexpected(mediaType);
  if (MODEL_OPERATIONS[operation].answer === "text") {
    return createTranscriptTranslator(contentType, options);
  }
  const isEvents = first !== "{" && first !== "[" && (mediaType === EVENT_STREAM || /[:dei]/.test(first));
  if (isEvents && answersWithChunks(operation))
    return createFoldingTranslator(createStreamTranslator(options), options);
  return createJsonTranslator(options);
}

function createStreamTranslator(options: TranslatorOptions): AnswerTranslator {
  const { operation } = options.request;
  return createEventStreamTranslator({ ...options, reader: createReader(operation, options) });
}

function createReader(operation: ModelRequestId, options: TranslatorOptions): EventReader {
  if (answersWithChunks(operation)) return createChunkReader({ ...options, operation });
  return operation === "createResponse" ? createResponseEventReader(options) : createAudioEventReader();
}

/** Empty for none, and for a value that is not valid in a header. */
function readContentType(header: unknown): string {
  return typeof header === "string" && VISIBLE_ASCII.test(header) ? header : "";
}

function unexpected(mediaType: string): UpstreamError {
  const what = mediaType === "" ? "of no type that is known" : mediaType;
  return new UpstreamError("invalid", `The answer is ${what}, which was not requested.`);
}
