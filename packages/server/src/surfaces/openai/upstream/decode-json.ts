/**
 * A JSON request for an upstream: checked only in what this server itself acts on (the model, streaming, what bounds
 * the price). Everything else is for the upstream to validate.
 */

import { answersWithChunks, isRecord } from "@openai-compat/core";
import type { ModelRequestId, UpstreamCallRequest, RequestBounds } from "@openai-compat/core";
import { operations } from "@openai-compat/spec";
import { z } from "zod";
import type { JsonBody } from "../../../http/read-body.ts";
import { decodeBody } from "../decode-body.ts";
import type { UpstreamDecodeOptions } from "../model-route.ts";

export const TOKENS_MAX = 1_000_000_000;
export const tokens = z.int().min(1).max(TOKENS_MAX).nullish();
export const answers = z.int().min(1).max(128).nullish();

export const common = { model: z.string().min(1) };

/** Of a request for text. */
export const generated = {
  ...common,
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  n: answers,
  max_tokens: tokens,
  max_completion_tokens: tokens,
};

export interface JsonDecoding {
  /** What is checked; the rest passes. */
  readonly schema: z.ZodObject;
  /** What of the request's size is not read as in a chat's. @throws AiError for what nothing bounds */
  readonly measure?: (wire: JsonObject) => Partial<RequestBounds>;
  /** Whether a stream is requested. Default: `stream` is true. */
  readonly isStream?: (wire: JsonObject) => boolean;
}

export type JsonObject = Readonly<Record<string, unknown>>;

/** @throws AiError with status 400, `param` naming what is wrong */
export type UpstreamDecoder = (
  body: JsonBody,
  options: Pick<UpstreamDecodeOptions, "traceParent">,
) => UpstreamCallRequest;

export function defineJsonDecoder(operation: ModelRequestId, decoding: JsonDecoding): UpstreamDecoder {
  const { schema, measure = () => ({}), isStream = (wire) => wire["stream"] === true } = decoding;
  const { path } = operations[operation];
  return (body, { traceParent }) => {
    const wire: JsonObject = decodeBody(schema, body.value);
    const options = wire["stream_options"];
    return {
      path,
      body: { kind: "json", value: wire },
      stream: isStream(wire),
      // Events that are no chunks carry what the upstream puts into them.
      includeUsage: !answersWithChunks(operation) || (isRecord(options) && options["include_usage"] === true),
      traceParent,
      bounds: { ...measureBounds(wire, body.bytes), ...measure(wire) },
    };
  };
}

/** One reading of a limit that has two names: the newer one counts, as with OpenAI, and its number alone is sent. */
function measureBounds(wire: JsonObject, bytes: number): RequestBounds {
  const limit = wire["max_completion_tokens"] ?? wire["max_tokens"];
  return {
    inputBytes: isText(wire) ? bytes : null,
    prompts: countInputs(wire["prompt"]),
    outputTokensMax: typeof limit === "number" ? limit : null,
    unlimitedOutputTokens: measureUnlimited(wire, bytes),
    answers: readCount(wire["n"]),
    audioMs: 0,
    audioMsMax: 0,
    characters: 0,
  };
}

/**
 * Some upstreams count reasoning apart from the limit, up to a budget of its own; how it is written differs, so none is
 * read.
 */
const REASONING_BUDGETS = ["reasoning", "thinking", "chat_template_kwargs"] as const;

function measureUnlimited(wire: JsonObject, bytes: number): number {
  const hasBudget = REASONING_BUDGETS.some((name) => {
    const options = wire[name];
    return isRecord(options) && Object.values(options).some((value) => /\d/.test(JSON.stringify(value) ?? ""));
  });
  if (hasBudget) return Number.POSITIVE_INFINITY;
  return wire["echo"] === true || isPresent(wire["prediction"]) ? bytes : 0;
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** One where nothing is said. */
export function readCount(value: unknown): number {
  return typeof value === "number" ? value : 1;
}

const TEXT_PARTS: ReadonlySet<unknown> = new Set(["text", "input_text", "output_text", "refusal"]);
const LOCAL_TOOLS: ReadonlySet<unknown> = new Set(["function", "custom"]);

/**
 * Whether all that the model reads is text in this body: the tokens of an image have nothing to do with the length of
 * its URL, and what an upstream's own tools find is not here.
 */
function isText({ messages, input, tools }: JsonObject): boolean {
  const listed = listObjects(messages);
  if (!listed.every(hasTextFields)) return false;
  const contents = listed.map((message) => message["content"]);
  const hasTextOnly = [...contents, input].every((content) => listObjects(content).every(isTextPart));
  return hasTextOnly && listObjects(tools).every((tool) => LOCAL_TOOLS.has(tool["type"]));
}

/** Fields of a message that are text, or data of which a model reads the text. */
const TEXT_FIELDS: ReadonlySet<string> = new Set([
  "role",
  "content",
  "name",
  "refusal",
  "tool_calls",
  "tool_call_id",
  "function_call",
  "reasoning",
  "reasoning_content",
  "reasoning_details",
  "thinking",
  "thinking_blocks",
  "annotations",
  "cache_control",
  "prefix",
  "partial",
]);

/** Any other may refer to what is not here: an earlier answer in `audio`, the `images` beside a text. */
function hasTextFields(message: JsonObject): boolean {
  return Object.entries(message).every(
    ([name, value]) => TEXT_FIELDS.has(name) || !isPresent(value) || (Array.isArray(value) && value.length === 0),
  );
}

function isTextPart(part: JsonObject): boolean {
  return TEXT_PARTS.has(part["type"]);
}

function listObjects(value: unknown): readonly JsonObject[] {
  return (Array.isArray(value) ? value : [value]).filter(isRecord);
}

/** A list of tokens is one; in any other list each item is one. */
export function countInputs(input: unknown): number {
  if (!Array.isArray(input) || input.every((item) => typeof item === "number")) return 1;
  return input.length;
}
