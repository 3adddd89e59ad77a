import * as fc from "fast-check";
import { expect, test } from "vitest";
import { FREE_OF_CHARGE, priceUsage } from "./prices.ts";
import { NO_USAGE } from "../usage.ts";

test("every unit costs its price, and the sum is rounded up once", () => {
  const prices = {
    perMillionInputTokens: 20_000,
    perMillionOutputTokens: 3_000_000,
    perMillionCharacters: 15_000_000,
    perMinuteOfAudio: 6_000,
  };
  expect(priceUsage(prices, { ...NO_USAGE, inputTokens: 50 })).toBe(1);
  expect(priceUsage(prices, { ...NO_USAGE, inputTokens: 51 })).toBe(2);
  expect(priceUsage(prices, { ...NO_USAGE, outputTokens: 7 })).toBe(21);
  expect(priceUsage(prices, { ...NO_USAGE, characters: 3 })).toBe(45);
  expect(priceUsage(prices, { ...NO_USAGE, audioMs: 90_000 })).toBe(9_000);
  expect(priceUsage(prices, { ...NO_USAGE, inputTokens: 1, outputTokens: 1, audioMs: 1 })).toBe(4);
});

test("what is free costs nothing, and a token that is not evaluated again costs like the rest", () => {
  expect(
    priceUsage(FREE_OF_CHARGE, { inputTokens: 9, cachedTokens: 9, outputTokens: 9, audioMs: 9, characters: 9 }),
  ).toBe(0);
  const prices = { ...FREE_OF_CHARGE, perMillionInputTokens: 1_000_000 };
  expect(priceUsage(prices, { ...NO_USAGE, inputTokens: 9, cachedTokens: 8 })).toBe(9);
});

test("an amount beyond any balance is the largest safe integer", () => {
  const prices = { ...FREE_OF_CHARGE, perMillionInputTokens: Number.MAX_SAFE_INTEGER };
  expect(priceUsage(prices, { ...NO_USAGE, inputTokens: 10 ** 12 })).toBe(Number.MAX_SAFE_INTEGER);
});

test("more units never cost less, and half a unit can't be priced", () => {
  const count = fc.nat(10_000_000);
  fc.assert(
    fc.property(count, count, count, (price, less, more) => {
      const prices = { ...FREE_OF_CHARGE, perMillionOutputTokens: price, perMinuteOfAudio: price };
      const [low, high] = [Math.min(less, more), Math.max(less, more)];
      expect(priceUsage(prices, { ...NO_USAGE, outputTokens: low, audioMs: low })).toBeLessThanOrEqual(
        priceUsage(prices, { ...NO_USAGE, outputTokens: high, audioMs: high }),
      );
    }),
  );
  expect(() => priceUsage(FREE_OF_CHARGE, { ...NO_USAGE, inputTokens: 0.5 })).toThrow(RangeError);
});
