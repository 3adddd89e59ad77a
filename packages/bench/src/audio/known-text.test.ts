import { expect, test } from "vitest";
import { measureWordErrors } from "./known-text.ts";

test("word errors are words to insert, remove and replace, whatever their case and punctuation", () => {
  const said = "Two boats came in, with the tide.";
  expect(measureWordErrors(said, "two boats came in with the tide")).toBe(0);
  expect(measureWordErrors(said, "too boats came in with the the tide")).toBeCloseTo(200 / 7, 5);
  expect(measureWordErrors(said, "")).toBe(100);
});
