import { createWorkSlices } from "@openai-compat/core";
import { createEmbeddingResponseSchema } from "@openai-compat/spec";
import { createScriptedEmbeddingEngine } from "@openai-compat/engines";
import { expect, test } from "vitest";
import { createTestApp } from "../../../testing/test-server.ts";
import { encodeEmbedding } from "./encode.ts";

const DIMENSIONS = 64;

const { post } = await createTestApp({
  models: [
    { id: "chat", isDefault: true },
    { id: "words", type: "embedding", engine: createScriptedEmbeddingEngine(), isDefault: true },
    { id: "whole", type: "embedding", engine: createScriptedEmbeddingEngine({ isTruncatable: false }) },
  ],
});

async function embed(body: object) {
  const response = await post("/v1/embeddings", { model: "words", input: "The sea is wide.", ...body });
  return { status: response.status, body: await response.json() };
}

async function vectorsOf(body: object): Promise<number[][]> {
  const { body: answer } = await embed(body);
  return createEmbeddingResponseSchema
    .parse(answer)
    .data.map(({ embedding }) => (typeof embedding === "string" ? decodeFloats(embedding) : embedding));
}

function decodeFloats(text: string): number[] {
  const bytes = Buffer.from(text, "base64");
  return Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(index * 4));
}

test("an input is answered with a vector and its tokens", async () => {
  const { status, body } = await embed({});
  expect(status).toBe(200);
  const { usage, data, model } = createEmbeddingResponseSchema.parse(body);
  expect(model).toBe("words");
  expect(data).toHaveLength(1);
  expect(data[0]?.embedding).toHaveLength(DIMENSIONS);
  expect(usage).toEqual({ prompt_tokens: 5, total_tokens: 5 });
});

test("numbers and base64 are the same vector to the last bit", async () => {
  const input = ["The sea is wide.", "Rain falls."];
  expect(await vectorsOf({ input, encoding_format: "base64" })).toEqual(await vectorsOf({ input }));
});

test.each([
  ["a text", "sea", 1],
  ["texts", ["sea", "rain", "sea"], 3],
  ["tokens", [400, 500], 1],
  ["lists of tokens", [[400], [500, 600]], 2],
  ["the most inputs of a request", Array.from({ length: 2048 }, (_, index) => `text ${index}`), 2048],
])("%s can be the input", async (_case, input, count) => {
  expect(await vectorsOf({ input, encoding_format: "base64" })).toHaveLength(count);
});

test.each([
  [{ input: "" }, 400, "invalid_value", "input"],
  [{ input: [] }, 400, "invalid_value", "input"],
  [{ input: null }, 400, "invalid_type", "input"],
  [{ input: "sea ".repeat(513) }, 400, "context_length_exceeded", "input"],
  [{ encoding_format: "int8" }, 400, "invalid_value", "encoding_format"],
  [{ dimensions: 0 }, 400, "invalid_value", "dimensions"],
  [{ dimensions: DIMENSIONS + 1 }, 400, "invalid_value", "dimensions"],
  [{ dimensions: 8, model: "whole" }, 400, "unsupported_parameter", "dimensions"],
  [{ model: "chat" }, 400, "wrong_model_type", "model"],
  [{ model: "nothing" }, 404, "model_not_found", "model"],
])("%j is refused with %i and the code %s", async (body, status, code, param) => {
  expect(await embed(body)).toMatchObject({ status, body: { error: { code, param } } });
});

test("fewer dimensions are the first ones of the whole vector", async () => {
  const [whole] = await vectorsOf({});
  const [cut] = await vectorsOf({ dimensions: 8 });
  const length = Math.hypot(...(whole ?? []).slice(0, 8));
  expect(cut).toHaveLength(8);
  for (const [index, value] of (cut ?? []).entries()) expect(value * length).toBeCloseTo(whole?.[index] ?? 0, 5);
});

test("`default` means the embedding model where the operation is embeddings", async () => {
  expect((await embed({ model: "default" })).body).toMatchObject({ model: "words" });
});

test("a server without an embedding model says so, and reads no body", async () => {
  const without = await createTestApp();
  const response = await without.post("/v1/embeddings", "{");
  expect(response.status).toBe(501);
});

test.each(["float", "base64"] as const)("an answer in %s holds the vectors in order", async (format) => {
  const vectors = Array.from({ length: 64 }, (_, index) => Float32Array.of(index, 0.5));
  const slices = createWorkSlices({ signal: new AbortController().signal });
  const text = await encodeEmbedding({ vectors, modelId: "words", promptTokens: 3 }, { format, slices });
  const { data } = createEmbeddingResponseSchema.parse(JSON.parse(text));
  expect(data.map(({ index }) => index)).toEqual([...vectors.keys()]);
});
