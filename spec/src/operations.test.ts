import { expect, test } from "vitest";
import { documentExamples } from "./document-examples.ts";
import { operations, type Operation } from "./operations.ts";
import { validateShape } from "./shared/validate-shape.ts";

const list: readonly Operation[] = Object.values(operations);

test("each parameter in a path has a schema and each schema a parameter", () => {
  for (const operation of list) {
    const inPath = [...operation.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
    expect(inPath).toEqual(Object.keys(operation.pathParameters));
  }
});

test("no two operations share a method and a path", () => {
  const routes = list.map((operation) => `${operation.method} ${operation.path}`);
  expect(new Set(routes).size).toBe(routes.length);
});

test("every operation can refuse a credential", () => {
  for (const operation of list) expect(operation.errorStatuses).toEqual(expect.arrayContaining([401, 403]));
});

test("the examples of an operation have the shape that it documents", () => {
  expect(Object.keys(documentExamples)).toEqual(Object.keys(operations));
  for (const operation of list) {
    const examples = documentExamples[operation.id];
    expect(validateShape(operation.response, examples?.response)).toEqual([]);
    if (operation.request !== null) expect(operation.request.safeParse(examples?.request).success).toBe(true);
  }
});
