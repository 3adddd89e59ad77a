import { expect, test } from "vitest";
import { errorResponseSchema } from "../shared/error.ts";
import { validateShape } from "../shared/validate-shape.ts";
import { listModelsResponseSchema } from "./model-list.ts";

const model = { id: "meta-llama/Llama-3:8b", object: "model", created: 1_686_935_002, owned_by: "meta" };

test("a list of models is an object with data, each model with its four keys", () => {
  const pathsOf = (value: unknown): string[] => validateShape(listModelsResponseSchema, value).map(({ path }) => path);
  expect(pathsOf({ object: "list", data: [{ ...model, shutdown_date: null, permission: [] }] })).toEqual([]);
  expect(pathsOf([model])).toEqual([""]);
  expect(pathsOf({ models: [model] })).toEqual(["object", "data"]);
  expect(pathsOf({ object: "list", data: [{ ...model, owned_by: null }] })).toEqual(["data[0].owned_by"]);
});

test("an error has all four keys inside an envelope", () => {
  const error = { message: "m", type: "t", param: null, code: null };
  const pathsOf = (value: unknown): string[] => validateShape(errorResponseSchema, value).map(({ path }) => path);
  expect(pathsOf({ error })).toEqual([]);
  expect(pathsOf({ error: { message: "m", type: "t" } })).toEqual(["error.param", "error.code"]);
  expect(pathsOf({ error: { ...error, code: 400 } })).toEqual(["error.code"]);
  expect(pathsOf({ error: "model not found" })).toEqual(["error"]);
  expect(pathsOf({ detail: "Not Found" })).toEqual(["error"]);
});
