/**
 * A JSON request for an upstream: checked only in what this server itself acts on (the model, streaming, what bounds the
 * price). Everything else is for the upstream to validate.
 */

import { AiError } from "@openai-compat/core";
import type { ModelOperationId, RelayCall, RelayDemand } from "@openai-compat/core";
import { operations } from "@openai-compat/spec";
import { z } from "zod";
import type { JsonBody } from "../../../http/read-body.ts";
import { decodeBody } from "../decode-body.ts";

const TOKENS_MAX = 1_000_000_000;
const tokens = z.int().min(1).max(TOKENS_MAX).nullish();
const answers = z.int().min(1).max(128).nullish();

const common = { model: z.string().min(1) };

const generated = {
  ...common,
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  n: answers,
  max_completion_tokens: tokens,
};

const SCHEMAS = {
  createChatCompletion: z.looseObject({
    ...generated,
    max_tokens: tokens,
    messages: z.array(z.looseObject({ role: z.string() })).min(1),
  }),
  createCompletion: z.looseObject({
    ...generated,
    max_tokens: z.int().min(0).max(TOKENS_MAX).nullish(),
    best_of: answers,
    prompt: z.union([z.string(), z.array(z.unknown())]).nullish(),
  }),
  createEmbedding: z.looseObject({ ...common, input: z.union([z.string(), z.array(z.unknown()).min(1)]) }),
  createSpeech: z.looseObject({
    ...common,
    input: z.string().min(1),
    voice: z.unknown(),
    instructions: z.string().nullish(),
    stream_format: z.string().nullish(),
  }),
} as const satisfies Partial<Record<ModelOperationId, z.ZodObject>>;

export type JsonRelayOperation = keyof typeof SCHEMAS;

/** @throws AiError with status 400, `param` naming what is wrong. */
export function decodeJsonRelay(operation: JsonRelayOperation, body: JsonBody, traceParent: string | null): RelayCall {
  const wire: JsonObject = decodeBody(SCHEMAS[operation], body.value);
  const { model, stream_options: options } = wire;
  if (operation === "createCompletion") checkPrompts(wire["prompt"]);
  return {
    operation,
    path: operations[operation].path,
    model: String(model),
    body: { kind: "json", value: wire },
    stream: operation === "createSpeech" ? wire["stream_format"] === "sse" : wire["stream"] === true,
    includeUsage: isObject(options) && options["include_usage"] === true,
    traceParent,
    demand: measureDemand(operation, wire, body.bytes),
  };
}

/** Texts and lists of tokens, no deeper: what an upstream made of anything else could not be bounded. */
function checkPrompts(prompt: unknown): void {
  const items: readonly unknown[] = Array.isArray(prompt) ? prompt : [];
  const isFine = (item: unknown) =>
    typeof item === "string" || isToken(item) || (Array.isArray(item) && item.every(isToken));
  const wrong = items.findIndex((item) => !isFine(item));
  if (wrong === -1) return;
  const param = `prompt[${wrong}]`;
  throw new AiError(
    "invalid_type",
    `Invalid type for '${param}': expected a string, a token id or an array of token ids.`,
    {
      param,
    },
  );
}

function isToken(item: unknown): boolean {
  return typeof item === "number" && Number.isSafeInteger(item) && item >= 0;
}

/** One reading of a limit that has two names: the newer one counts, as with OpenAI, and its number alone is sent. */
function measureDemand(operation: JsonRelayOperation, wire: JsonObject, bytes: number): RelayDemand {
  const limit = wire["max_completion_tokens"] ?? wire["max_tokens"];
  const bestOf = operation === "createCompletion" ? readCount(wire["best_of"], 1) : 1;
  const inputBytes = isText(wire) ? bytes : null;
  return {
    inputBytes,
    prompts: operation === "createEmbedding" ? countInputs(wire["input"]) : countInputs(wire["prompt"]),
    outputTokensMax: typeof limit === "number" ? limit : null,
    unlimitedOutputTokens: measureUnlimited(wire, bytes),
    answers:
      operation === "createEmbedding" || operation === "createSpeech" ? 1 : Math.max(readCount(wire["n"], 1), bestOf),
    audioMs: 0,
    audioMsMax: 0,
    characters:
      operation === "createSpeech" ? countCharacters(wire["input"]) + countCharacters(wire["instructions"]) : 0,
  };
}

/** Some upstreams count reasoning apart from the limit, up to a budget of its own; how it is written differs, so none is read. */
const REASONING_BUDGETS = ["reasoning", "thinking", "chat_template_kwargs"] as const;

function measureUnlimited(wire: JsonObject, bytes: number): number {
  const hasBudget = REASONING_BUDGETS.some((name) => {
    const options = wire[name];
    return isObject(options) && Object.values(options).some((value) => /\d/.test(JSON.stringify(value) ?? ""));
  });
  if (hasBudget) return Number.POSITIVE_INFINITY;
  return wire["echo"] === true || isPresent(wire["prediction"]) ? bytes : 0;
}

type JsonObject = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function readCount(value: unknown, otherwise: number): number {
  return typeof value === "number" ? value : otherwise;
}

const TEXT_PARTS: ReadonlySet<unknown> = new Set(["text", "input_text", "output_text", "refusal"]);
const LOCAL_TOOLS: ReadonlySet<unknown> = new Set(["function", "custom"]);

/**
 * Whether all that the model reads is text in this body: the tokens of an image have nothing to do with the length of its URL, and
 * what an upstream's own tools find is not here.
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
  return (Array.isArray(value) ? value : [value]).filter(isObject);
}

/** A list of tokens is one; in any other list each item is one. */
function countInputs(input: unknown): number {
  if (!Array.isArray(input) || input.every((item) => typeof item === "number")) return 1;
  return input.length;
}

/** Code points: an accent or an emoji of several counts as several, as with those who sell speech by the character. */
function countCharacters(text: unknown): number {
  if (typeof text !== "string") return 0;
  let pairs = 0;
  for (let at = 1; at < text.length; at += 1) {
    if (isBetween(text.charCodeAt(at), 0xdc00, 0xdfff) && isBetween(text.charCodeAt(at - 1), 0xd800, 0xdbff))
      pairs += 1;
  }
  return text.length - pairs;
}

function isBetween(value: number, least: number, most: number): boolean {
  return value >= least && value <= most;
}
