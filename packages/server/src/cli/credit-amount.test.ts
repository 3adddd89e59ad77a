import fc from "fast-check";
import { expect, test } from "vitest";
import { formatCredits, parseCredits } from "./credit-amount.ts";

test.each([
  ["0", 0],
  ["-0", 0],
  ["1", 1_000_000],
  ["12.5", 12_500_000],
  ["-3.000001", -3_000_001],
  ["0.000001", 1],
  ["007.10", 7_100_000],
  ["9007199254.740991", Number.MAX_SAFE_INTEGER],
  ["-9007199254.740991", -Number.MAX_SAFE_INTEGER],
])("%s credits are %d micro-credits", (text, amount) => {
  expect(parseCredits(text)).toBe(amount);
});

test.each([
  "",
  "-",
  ".5",
  "1.",
  "1.0000001",
  "1,5",
  "1e3",
  "+1",
  " 1",
  "0x1",
  "--1",
  "9007199254.740992",
  "99999999999",
])('"%s" is no amount of credits', (text) => {
  expect(() => parseCredits(text)).toThrow("Expected");
});

test("every amount is read back as it was written", () => {
  const amount = fc.maxSafeInteger().map((value) => (value === 0 ? 0 : value));
  fc.assert(
    fc.property(amount, (value) => {
      const text = formatCredits(value);
      expect(parseCredits(text)).toBe(value);
      expect(text).toMatch(/^-?\d+(\.\d{0,5}[1-9])?$/);
    }),
  );
});
