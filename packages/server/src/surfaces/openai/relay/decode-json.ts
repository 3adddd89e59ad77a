/**
 * A JSON request for an upstream: checked only in what this server itself acts on (the model, streaming, what bounds the
 * price). Everything else is the upstream's to judge, so parameters that it knows and we don't still reach it.
 */

import { AiError } from "@openai-compat/core";
import type { RelayCall, RelayOperation } from "@openai-compat/core";
import { z } from "zod";
import type { JsonBody } from "../../../http/read-body.ts";
import { decodeBody } from "../decode-body.ts";

const tokens = z.int().min(0).max(1_000_000_000).nullish();
const answers = z.int().min(1).max(128).nullish();

const common = {
  model: z.string().min(1),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  stream_format: z.string().nullish(),
  n: answers,
  best_of: answers,
  max_tokens: tokens,
  max_completion_tokens: tokens,
};

const SCHEMAS = {
  chat: z.looseObject({ ...common, messages: z.array(z.looseObject({ role: z.string() })).min(1) }),
  completion: z.looseObject({ ...common, prompt: z.union([z.string(), z.array(z.unknown())]).nullish() }),
  embedding: z.looseObject({ ...common, input: z.union([z.string(), z.array(z.unknown()).min(1)]) }),
  speech: z.looseObject({ ...common, input: z.string().min(1), voice: z.unknown() }),
} as const satisfies Partial<Record<RelayOperation, z.ZodObject>>;

export type JsonRelayOperation = keyof typeof SCHEMAS;

/** @throws AiError with status 400, `param` naming what is wrong. */
export function decodeJsonRelay(operation: JsonRelayOperation, body: JsonBody, traceParent: string | null): RelayCall {
  const wire: z.output<z.ZodObject<typeof common>> = decodeBody(SCHEMAS[operation], body.value);
  return {
    operation,
    model: wire.model,
    body: { kind: "json", value: readObject(body.value) },
    stream: operation === "speech" ? wire.stream_format === "sse" : wire.stream === true,
    includeUsage: wire.stream_options?.include_usage === true,
    traceParent,
    demand: {
      inputBytes: isText(body.value) ? body.bytes : null,
      outputTokensMax: wire.max_completion_tokens ?? wire.max_tokens ?? null,
      answers: Math.max(wire.n ?? 1, wire.best_of ?? 1) * countPrompts(body.value),
      audioMs: 0,
      characters: operation === "speech" ? countCharacters(body.value) : 0,
    },
  };
}

type JsonObject = Readonly<Record<string, unknown>>;

function readObject(value: unknown): JsonObject {
  if (!isObject(value)) throw new AiError("invalid_type", "The request body has to be a JSON object.");
  return value;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether all that the model reads is text: the tokens of an image have nothing to do with the length of its URL. */
function isText(body: unknown): boolean {
  const messages = isObject(body) && Array.isArray(body["messages"]) ? body["messages"] : [];
  return messages.every((message: unknown) => {
    const content = isObject(message) ? message["content"] : null;
    if (!Array.isArray(content)) return true;
    return content.every((part: unknown) => isObject(part) && (part["type"] === "text" || part["type"] === "refusal"));
  });
}

/** An array of texts, or of token lists, is a prompt each; an array of tokens is one. */
function countPrompts(body: unknown): number {
  const prompt = isObject(body) ? body["prompt"] : undefined;
  if (!Array.isArray(prompt) || typeof prompt[0] === "number") return 1;
  return Math.max(1, prompt.length);
}

/** Code points: an accent or an emoji of several counts as several, as with those who sell speech by the character. */
function countCharacters(body: unknown): number {
  const input = isObject(body) ? body["input"] : undefined;
  return typeof input === "string" ? Array.from(input).length : 0;
}
