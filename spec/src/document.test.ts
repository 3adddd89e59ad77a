import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { buildDocument, encodeDocument } from "./document.ts";
import { listHttpOperations, operations } from "./operations.ts";

const document = buildDocument();

/** Every `[key, value]` in a JSON value, at any depth. */
function* walk(value: unknown): Generator<[string, unknown]> {
  if (typeof value !== "object" || value === null) return;
  for (const [key, entry] of Object.entries(value)) {
    yield [key, entry];
    yield* walk(entry);
  }
}

test("openapi.json is what the operations say (else run `node spec/src/generate.ts`)", async () => {
  const committed = await readFile(new URL("../openapi.json", import.meta.url), "utf8");
  expect(committed).toBe(encodeDocument(document));
});

test("a session over a WebSocket is in no document, nor what it alone is made of", () => {
  expect(
    buildDocument(Object.fromEntries(listHttpOperations(operations).map((operation) => [operation.id, operation]))),
  ).toEqual(document);
});

test("building the document twice gives the same text", () => {
  expect(encodeDocument(buildDocument())).toBe(encodeDocument(document));
});

test("every reference resolves and every component is used", () => {
  const schemas = Object.keys(document.components?.schemas ?? {});
  const references = [...walk(document)].filter(([key]) => key === "$ref").map(([, target]) => String(target));
  const used = new Set(references.map((reference) => reference.replace("#/components/schemas/", "")));
  expect([...used].sort()).toEqual(schemas.toSorted());
});

test("the components have the names that OpenAI's document gives them", () => {
  expect(Object.keys(document.components?.schemas ?? {})).toEqual(
    expect.arrayContaining([
      "ChatCompletionRequestMessage",
      "CompletionUsage",
      "CreateChatCompletionRequest",
      "CreateChatCompletionResponse",
      "CreateChatCompletionStreamResponse",
      "CreateCompletionRequest",
      "CreateCompletionResponse",
      "CreateEmbeddingRequest",
      "CreateEmbeddingResponse",
      "CreateSpeechRequest",
      "CreateSpeechResponseStreamEvent",
      "CreateTranscriptionRequest",
      "CreateTranscriptionResponseDiarizedJson",
      "CreateTranscriptionResponseJson",
      "CreateTranscriptionResponseStreamEvent",
      "CreateTranscriptionResponseVerboseJson",
      "CreateTranslationRequest",
      "CreateTranslationResponseJson",
      "CreateTranslationResponseVerboseJson",
      "Embedding",
      "Error",
      "ErrorResponse",
      "ListModelsResponse",
      "Model",
    ]),
  );
});

test("a component is not null by itself, only where it is referred to as such", () => {
  const schemas: Record<string, unknown> = document.components?.schemas ?? {};
  expect(schemas["ServiceTier"]).toEqual({
    type: "string",
    enum: ["auto", "default", "flex", "scale", "priority", "fast"],
  });
  expect(schemas["CreateChatCompletionRequest"]).toMatchObject({
    required: ["messages", "model"],
    properties: {
      service_tier: { anyOf: [{ $ref: "#/components/schemas/ServiceTier" }, { type: "null" }] },
      stop: { anyOf: [{ $ref: "#/components/schemas/StopConfiguration" }, { type: "null" }] },
      seed: { type: ["integer", "null"], format: "int64" },
      n: { type: ["integer", "null"], minimum: 1, maximum: 128 },
    },
  });
});

test("nothing of OpenAPI 3.0 is left that 3.1 does not know", () => {
  const keys = [...walk(document)].map(([key]) => key);
  expect(document.openapi).toBe("3.1.0");
  expect(keys).not.toContain("nullable");
  // A branch of `allOf` that adds `null` to a reference would refuse every value.
  expect(keys).not.toContain("allOf");
});

test("every operation is documented with its errors, its stream and its capability", () => {
  const documented = [...walk(document.paths)].filter(([key]) => key === "operationId").map(([, id]) => id);
  expect(documented).toEqual(listHttpOperations(operations).map(({ id }) => id));
  const chat = document.paths?.["/chat/completions"]?.post;
  expect(chat).toMatchObject({
    "x-capability": "ai:PROMPT",
    responses: {
      200: {
        content: {
          "application/json": { schema: { $ref: "#/components/schemas/CreateChatCompletionResponse" } },
          "text/event-stream": { schema: { $ref: "#/components/schemas/CreateChatCompletionStreamResponse" } },
        },
      },
      429: { content: { "application/json": { schema: { $ref: "#/components/schemas/ErrorResponse" } } } },
    },
  });
  expect(document.security).toEqual([{ bearerAuth: [] }]);
});

test("a form is documented with its file, and answers that are no JSON by their media types", () => {
  expect(document.paths?.["/audio/transcriptions"]?.post).toMatchObject({
    "x-capability": "ai:TRANSCRIBE",
    requestBody: {
      required: true,
      content: { "multipart/form-data": { schema: { $ref: "#/components/schemas/CreateTranscriptionRequest" } } },
    },
    responses: { 200: { content: { "text/plain": { schema: { type: "string" } } } }, 501: {} },
  });
  const schemas: Record<string, unknown> = document.components?.schemas ?? {};
  expect(schemas["CreateTranscriptionRequest"]).toMatchObject({
    required: ["file", "model"],
    properties: {
      file: { type: "string", format: "binary" },
      temperature: { type: "number", minimum: 0, maximum: 1 },
      stream: { type: "boolean" },
      timestamp_granularities: { type: "array", items: { type: "string", enum: ["word", "segment"] } },
    },
  });
  const speech = document.paths?.["/audio/speech"]?.post?.responses?.["200"];
  expect(Object.keys(speech && "content" in speech ? (speech.content ?? {}) : {})).toEqual([
    "audio/mpeg",
    "audio/ogg",
    "audio/aac",
    "audio/flac",
    "audio/wav",
    "audio/pcm",
    "text/event-stream",
  ]);
  expect(speech).toMatchObject({ content: { "audio/mpeg": { schema: { type: "string", format: "binary" } } } });
});
