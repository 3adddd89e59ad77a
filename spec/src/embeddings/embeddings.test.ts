import { expect, test } from "vitest";
import { flattenIssues } from "../shared/flatten-issues.ts";
import { validateShape } from "../shared/validate-shape.ts";
import { createEmbeddingRequestSchema, EMBEDDING_INPUTS_MAX } from "./request.ts";
import { createEmbeddingResponseSchema } from "./response.ts";

function requestPaths(change: Record<string, unknown>): string[] {
  const result = createEmbeddingRequestSchema.safeParse({ model: "m", input: "text", ...change });
  return flattenIssues(result.error?.issues ?? []).map((issue) => issue.path);
}

function fill<Value>(length: number, value: Value): Value[] {
  return Array.from({ length }, () => value);
}

test.each([["text"], [["a", "b"]], [[1, 2]], [[[1], [2, 3]]]])("the input %j is accepted", (input) => {
  expect(requestPaths({ input })).toEqual([]);
});

test("null is accepted for every parameter but model and input", () => {
  expect(requestPaths({ encoding_format: null, dimensions: null, user: null })).toEqual([]);
  expect(requestPaths({ model: null, input: null }).sort()).toEqual(["input", "model"]);
});

test("one request holds up to 2048 inputs, or one input of up to 2048 tokens", () => {
  for (const element of ["a", 1, [1]]) {
    expect(requestPaths({ input: fill(EMBEDDING_INPUTS_MAX, element) })).toEqual([]);
    expect(requestPaths({ input: fill(EMBEDDING_INPUTS_MAX + 1, element) })).toEqual(["input"]);
  }
  expect(requestPaths({ input: [fill(EMBEDDING_INPUTS_MAX + 1, 1)] })).toEqual([]);
});

test.each([
  [{ input: "" }, "input"],
  [{ input: [] }, "input"],
  [{ input: ["a", ""] }, "input[1]"],
  [{ input: [[]] }, "input[0]"],
  [{ input: [1, -1] }, "input[1]"],
  [{ input: [[1.5]] }, "input[0][0]"],
  [{ encoding_format: "int8" }, "encoding_format"],
  [{ dimensions: 0 }, "dimensions"],
])("%j is refused at %s", (change, path) => {
  expect(requestPaths(change)).toContain(path);
});

const item = { object: "embedding", index: 0, embedding: [0.5, -1e-9] };
const response = { object: "list", model: "m", data: [item], usage: { prompt_tokens: 2, total_tokens: 2 } };

function responsePaths(change: Record<string, unknown>): string[] {
  return validateShape(createEmbeddingResponseSchema, { ...response, ...change }).map((issue) => issue.path);
}

test("a vector is numbers or base64", () => {
  expect(responsePaths({})).toEqual([]);
  expect(responsePaths({ data: [{ ...item, embedding: "AAAAPwAAgL8=" }] })).toEqual([]);
  expect(responsePaths({ data: [{ ...item, embedding: "[0.5]" }] })).toEqual(["data[0].embedding"]);
  expect(responsePaths({ data: [{ ...item, embedding: ["0.5"] }] })).toEqual(["data[0].embedding[0]"]);
});

test.each([
  [{ data: [{ ...item, index: undefined }] }, "data[0].index"],
  [{ data: [{ ...item, object: undefined }] }, "data[0].object"],
  [{ data: null }, "data"],
  [{ usage: undefined }, "usage"],
  [{ usage: { prompt_tokens: 2 } }, "usage.total_tokens"],
])("%j is refused at %s", (change, path) => {
  expect(responsePaths(change)).toEqual([path]);
});
