import { expect, test, vi } from "vitest";
import { ENDING_LENGTH_MAX, createCompletionBudgetGuard } from "./completion-budget-guard.ts";
import { literal, optional, repeat, sequence } from "./grammar-node.ts";

/** May be empty, but once begun it has exactly this many characters. */
const allOrNothing = (length: number) => ({
  root: optional(sequence(literal("["), repeat(literal("a"), length, length))),
  rules: new Map(),
});

test("a text whose ending is too long is not begun, and the ending is never built", () => {
  const countTokens = vi.fn((text: string) => text.length);
  const guard = createCompletionBudgetGuard(allOrNothing(ENDING_LENGTH_MAX + 1), {
    tokensMax: 2 * ENDING_LENGTH_MAX,
    countTokens,
  });
  expect(guard?.accept(Buffer.from("["), 2 * ENDING_LENGTH_MAX)).toBe(false);
  expect(guard?.shortestEnding()).toBe("");
  for (const [text] of countTokens.mock.calls) expect(text.length).toBeLessThanOrEqual(ENDING_LENGTH_MAX);
});

test("an ending of exactly the longest length is counted, and accepted where it fits", () => {
  const guard = createCompletionBudgetGuard(allOrNothing(ENDING_LENGTH_MAX), {
    tokensMax: 2 * ENDING_LENGTH_MAX,
    countTokens: (text) => text.length,
  });
  expect(guard?.accept(Buffer.from("["), ENDING_LENGTH_MAX)).toBe(true);
  expect(guard?.shortestEnding()).toHaveLength(ENDING_LENGTH_MAX);
});
