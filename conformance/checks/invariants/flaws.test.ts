/** Which demands are musts: what real servers do, and no client notices, is none. */

import { errorResponseSchema } from "@openai-compat/spec";
import { expect, test } from "vitest";
import { listSameFlaws, listShapeFlaws, listTokenFlaws } from "./flaws.ts";

const levels = (flaws: readonly { readonly level: string }[]): readonly string[] => flaws.map(({ level }) => level);

test("a stream that crosses a second may say so, but its events have one id", () => {
  expect(levels(listSameFlaws([{ created: 1 }, { created: 2 }], "must"))).toEqual(["should"]);
  expect(levels(listSameFlaws([{ id: "a" }, { id: "b" }], "must"))).toEqual(["must"]);
});

test("likely tokens that nobody asked for are a detail, and so is the chosen one beside the likeliest", () => {
  const likely = [" sea", " sky", " sun"].map((token, place) => ({ token, logprob: -1 - place, bytes: null }));
  const entry = { token: " sun", logprob: -3, bytes: null, top_logprobs: likely };
  expect(levels(listTokenFlaws([entry], " sun", 0))).toEqual(["should"]);
  expect(levels(listTokenFlaws([entry], " sun", 1))).toEqual(["should", "must"]);
  expect(levels(listTokenFlaws([entry], " sun", 2))).toEqual(["should"]);
  expect(levels(listTokenFlaws([entry], " sun", 3))).toEqual([]);
});

test("an error without `param` and `code` can be read; one whose code is a number can't by a typed client", () => {
  const shape = errorResponseSchema.partial().required({ error: true });
  const error = { message: "no", type: "invalid_request_error" };
  expect(listShapeFlaws({ error }, shape)).toEqual([]);
  expect(levels(listShapeFlaws({ error: { ...error, code: 400 } }, shape))).toEqual(["must"]);
  expect(levels(listShapeFlaws({ error: { message: "no" } }, shape))).toEqual(["must"]);
});
