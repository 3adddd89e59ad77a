import { expect, test } from "vitest";
import { BILLED_AS, MODEL_OPERATIONS, MODEL_TYPES, answersWithChunks, listOperations } from "./operations.ts";
import { BILLED_OPERATIONS } from "./usage.ts";

test("each request to an engine or an upstream needs a model of one type, and each type serves one", () => {
  const served = MODEL_TYPES.map((type) => listOperations(type));
  // A session is no request, and a compaction is served as another one.
  const sessions = Object.entries(MODEL_OPERATIONS).flatMap(([id, { answer }]) =>
    answer === "frames" || answer === "composed" ? [id] : [],
  );
  expect([...served.flat(), ...sessions].toSorted()).toEqual(Object.keys(MODEL_OPERATIONS).toSorted());
  expect(served.filter((operations) => operations.length === 0)).toEqual([]);
});

test("there are models for all that is charged", () => {
  expect(new Set(Object.values(BILLED_AS))).toEqual(new Set(BILLED_OPERATIONS));
});

test("what answers with chunks generates, and its cost is bounded by the limit of its answers", () => {
  for (const id of MODEL_TYPES.flatMap(listOperations)) {
    if (answersWithChunks(id)) expect(MODEL_OPERATIONS[id].tokensBoundedBy).toBe("prompt-and-answer");
  }
});
