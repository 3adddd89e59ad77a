import { expect, test, vi } from "vitest";
import { ENDING_LENGTH_MAX, watchClosing } from "./closing-watch.ts";
import { literal, optional, repeat, sequence } from "./grammar-node.ts";

/** May be empty, but what has begun must go on for so many characters. */
const allOrNothing = (length: number) => ({
  root: optional(sequence(literal("["), repeat(literal("a"), length, length))),
  rules: new Map(),
});

test("an ending that is too long is not begun, and never made to be counted", () => {
  const countTokens = vi.fn((text: string) => text.length);
  const watch = watchClosing(allOrNothing(ENDING_LENGTH_MAX + 1), { tokensMax: 2 * ENDING_LENGTH_MAX, countTokens });
  expect(watch?.take(Buffer.from("["), 2 * ENDING_LENGTH_MAX)).toBe(false);
  expect(watch?.end()).toBe("");
  for (const [text] of countTokens.mock.calls) expect(text.length).toBeLessThanOrEqual(ENDING_LENGTH_MAX);
});

test("an ending of just the longest length is counted, and taken where it fits", () => {
  const watch = watchClosing(allOrNothing(ENDING_LENGTH_MAX), {
    tokensMax: 2 * ENDING_LENGTH_MAX,
    countTokens: (text) => text.length,
  });
  expect(watch?.take(Buffer.from("["), ENDING_LENGTH_MAX)).toBe(true);
  expect(watch?.end()).toHaveLength(ENDING_LENGTH_MAX);
});
