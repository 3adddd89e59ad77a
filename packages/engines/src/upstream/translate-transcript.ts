/**
 * Converts a transcript to the requested format: text for text, JSON for JSON, also where an upstream supports only one
 * of them.
 */

import { NO_USAGE, type UpstreamEvent, type UpstreamRequest } from "@openai-compat/core";
import type { AnswerTranslator } from "./answer-translator.ts";
import { decodeText, parseAnswer } from "./parse-answer.ts";
import { encodeWhole, type WholeOptions } from "./translate-json.ts";
import { UpstreamError } from "./upstream-error.ts";

/** @param contentType of the answer; empty for none */
export function createTranscriptTranslator(contentType: string, options: WholeOptions): AnswerTranslator {
  const { request, droppedParameters } = options;
  const chunks: Uint8Array[] = [];

  function* encodeText(text: string, type: string): Generator<UpstreamEvent> {
    const bytes = Buffer.from(text);
    yield { type: "upstream-whole", contentType: type, droppedParameters, bytes, usage: NO_USAGE, source: "measured" };
  }

  function* encode(): Generator<UpstreamEvent> {
    const body = Buffer.concat(chunks);
    const text = decodeText(body);
    const format = readFormat(request);
    if (text.trimStart().startsWith("{")) {
      const parsed = parseAnswer(body, options);
      const { text: heard } = parsed.value;
      if (format === "text" && typeof heard === "string") yield* encodeText(`${heard}\n`, TEXT_TYPE);
      else if (format === "srt" || format === "vtt") throw unexpected(`JSON where ${format} was requested`);
      else yield* encodeWhole(parsed, options);
      return;
    }
    const plain = unquote(text);
    if (format === null || !isJsonFormat(format)) {
      yield* encodeText(plain, /^text\/(?!html|event-stream)/.test(contentType) ? contentType : TEXT_TYPE);
      return;
    }
    if (format !== "json") throw unexpected(`text where ${format} was requested`);
    yield* encodeText(JSON.stringify({ text: plain.trim() }), "application/json");
  }

  return {
    push(more) {
      chunks.push(...more);
      return [];
    },
    end: encode,
    isComplete: () => false,
    awaitsUsage: () => chunks.length > 0,
    abandon: () => ({ type: "upstream-end", usage: NO_USAGE, source: "estimated" }),
  };
}

const TEXT_TYPE = "text/plain; charset=utf-8";

function isJsonFormat(format: string): boolean {
  return format.endsWith("json");
}

/** @returns null where the request has no valid format; then any format is accepted */
function readFormat({ body }: UpstreamRequest): string | null {
  if (body.kind === "json") return null;
  const field = body.fields.findLast(({ name }) => name === "response_format");
  return field !== undefined && "value" in field && field.value !== "" ? field.value : "json";
}

/** Some send the text as a JSON string. */
function unquote(text: string): string {
  if (!text.startsWith('"')) return text;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "string" ? value : text;
  } catch {
    return text;
  }
}

function unexpected(what: string): UpstreamError {
  return new UpstreamError("invalid", `The answer is ${what}.`);
}
