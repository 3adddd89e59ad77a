/**
 * The smallest request of each operation that takes JSON, as an object, and what the document says of its parameters:
 * for checks that send each of them. Nothing here judges.
 */

import { type HttpOperationId, operations } from "@openai-compat/spec";
import { z } from "zod";
import type { Area, Need } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import { COUNTING } from "./completion-calls.ts";
import { SHORT_PROMPT, userMessage } from "./chat-calls.ts";

export type AnswerMode = "body" | "stream";

export interface PlainRequest {
  readonly operation: HttpOperationId;
  /** Part of permanent check ids. */
  readonly slug: string;
  readonly area: Area;
  readonly needs: readonly Need[];
  /** What asks for a stream; null where the operation has none. */
  readonly streamed: JsonObject | null;
  readonly compose: (context: CheckContext) => JsonObject;
}

export const PLAIN_REQUESTS: readonly PlainRequest[] = [
  {
    operation: "createChatCompletion",
    slug: "chat",
    area: "chat",
    needs: ["model:chat"],
    streamed: { stream: true },
    compose: ({ models }) => ({ model: models.chat, messages: [userMessage("Say hello.")], max_tokens: 1 }),
  },
  {
    operation: "createCompletion",
    slug: "completions",
    area: "completions",
    needs: ["model:chat"],
    streamed: { stream: true },
    compose: ({ models }) => ({ model: models.completion ?? models.chat, prompt: COUNTING, max_tokens: 1 }),
  },
  {
    operation: "createEmbedding",
    slug: "embeddings",
    area: "embeddings",
    needs: ["model:embedding"],
    streamed: null,
    compose: ({ models }) => ({ model: models.embedding, input: "The sea is wide." }),
  },
  {
    operation: "createSpeech",
    slug: "speech",
    area: "audio",
    needs: ["model:speech"],
    streamed: { stream_format: "sse" },
    compose: ({ models }) => ({ model: models.speech, voice: "alloy", input: "The sea.", response_format: "wav" }),
  },
  {
    operation: "create-realtime-client-secret",
    slug: "client-secrets",
    area: "realtime",
    needs: [],
    streamed: null,
    compose: () => ({ session: { type: "transcription" } }),
  },
  {
    operation: "createResponse",
    slug: "responses",
    area: "responses",
    needs: ["model:chat"],
    streamed: { stream: true },
    compose: ({ models }) => ({ model: models.chat, input: SHORT_PROMPT, max_output_tokens: 16 }),
  },
  {
    operation: "Getinputtokencounts",
    slug: "responses-input-tokens",
    area: "responses",
    needs: ["key:full", "model:chat"],
    streamed: null,
    compose: ({ models }) => ({ model: models.chat, input: "Say hello." }),
  },
];

export function listModes({ streamed }: PlainRequest): readonly AnswerMode[] {
  return streamed === null ? ["body"] : ["body", "stream"];
}

/** Past the SDK, which would refuse some of what is sent here. */
export async function sendPlain(
  context: CheckContext,
  request: PlainRequest,
  { mode, fields = {} }: { readonly mode: AnswerMode; readonly fields?: JsonObject },
): Promise<Exchange> {
  const { method, path } = operations[request.operation];
  const asked = { ...request.compose(context), ...(mode === "stream" ? request.streamed : {}), ...fields };
  return context.wire({ method, path, body: JSON.stringify(asked) });
}

/** The names of a request's parameters in the document. */
export function listParameters(schema: z.ZodType | null): readonly string[] {
  if (schema === null) return [];
  const document: unknown = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  if (!isJsonObject(document)) return [];
  const { $ref: reference } = document;
  const name = typeof reference === "string" ? (reference.split("/").at(-1) ?? "") : "";
  const { [name]: named } = isJsonObject(document["$defs"]) ? document["$defs"] : {};
  const { properties } = isJsonObject(named) ? named : document;
  return isJsonObject(properties) ? Object.keys(properties) : [];
}

export const JSON_TYPES = ["string", "number", "boolean", "array", "object", "null"] as const;
export type JsonType = (typeof JSON_TYPES)[number];

/** Values of each type, of which one fits any parameter that takes the type. */
const SAMPLES: Readonly<Record<JsonType, readonly unknown[]>> = {
  string: ["text", "auto", "none", "low", "float", "mp3", "24h", "in_memory", "sse", "default"],
  number: [1, 0.5],
  boolean: [true, false],
  array: [
    ["text"],
    [1],
    [[1]],
    [userMessage("x")],
    [{ type: "function", function: { name: "f" } }],
    [{ name: "f" }],
    [],
  ],
  object: [{}, { type: "text" }, { name: "f" }, { id: "v" }, { a: "1" }, { a: 1 }, { type: "transcription" }],
  null: [null],
};

/** Whether the document lets the parameter have a value of the type. */
export function takesType(schema: z.ZodType, parameter: string, type: JsonType): boolean {
  return SAMPLES[type].some((value) => {
    const { error } = schema.safeParse({ [parameter]: value });
    // What is wrong deeper inside is not the type.
    return error === undefined || !error.issues.some(({ path }) => path.length === 1 && path[0] === parameter);
  });
}
