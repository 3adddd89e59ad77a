/** Patterns as automata, compared with the regular expressions of JavaScript. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { createBudget } from "../work-budget.ts";
import { acceptsText, intersect, limitLength, subtract } from "./automaton.ts";
import { listUnicodeSet } from "./unicode-sets.ts";
import { compilePattern } from "./regular-expression.ts";

const compile = (pattern: string) => compilePattern(pattern, createBudget());

const PATTERNS = [
  "",
  "^$",
  "^",
  "$",
  "a",
  "^a",
  "a$",
  "^a|b$",
  "^(?:a|b)$",
  "(^a|b)c$",
  "^a*$",
  "^a+b?$",
  "^(ab){2,3}$",
  "^(a?){4}$",
  "^((a?){2}b?){3}$",
  "(a|b)*a(a|b)$",
  "^[^ab]+$",
  "^[a-c]{2,}$",
  "\\d\\D",
  "^\\w+\\W$",
  "\\s",
  "^\\S*$",
  ".",
  "^.*$",
  "^a.c$",
  "^(?=a)[ab]+$",
  "^(?!a)[ab]+$",
  "^(?!.*aa)[ab]+$",
  "a(?!b)",
  "a(?=b|$)",
  "^(?!.*c)(?=.*b).*$",
  "^(a(?=b)|b)b?$",
  "^\\u0061\\x62$",
  "^[\\u{61}-\\u{63}]$",
  "^\\p{L}+$",
  "^\\P{Lu}+$",
  "^\\p{Script=Greek}*$",
  "[\\b]",
  "^(?<name>a)b$",
  "^(a*)*$",
  "^(a*b*)*c$",
  "^a{0}b$",
  "^\\/\\.$",
  "^(|a)b$",
  "^(?:)$",
  "^[\\d\\s-]+$",
  "^[]$",
  "[^]",
  "^😁$",
  "^[😀-😂]+$",
];

const text = fc.oneof(
  fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 9 }),
  fc.string({
    unit: fc.constantFrom("a", "b", "B", "1", " ", "-", "_", "/", ".", "\n", "é", "α", "😁", "\u2028", "\b"),
    maxLength: 6,
  }),
);

test.each(PATTERNS)("/%s/ accepts what JavaScript finds it in, and nothing else", (pattern) => {
  const automaton = compile(pattern);
  const expression = new RegExp(pattern, "u");
  fc.assert(
    fc.property(text, (value) => {
      expect(acceptsText(automaton, value), JSON.stringify(value)).toBe(expression.test(value));
    }),
    { numRuns: 300 },
  );
});

test.each(['^\\@\\_\\:\\#\\"\\ \\a$', "^[\\@\\_]+$", "^]}$", "^{$", "^a{,3}$", "\\-"])(
  "/%s/, which is legal without the flag u alone, is taken as it is without",
  (pattern) => {
    const automaton = compile(pattern);
    const expression = new RegExp(pattern);
    for (const value of ['@_:#" a', "@_", "]}", "{", "a{,3}", "-", "a", ""]) {
      expect(acceptsText(automaton, value), value).toBe(expression.test(value));
    }
  },
);

test("two automata and a length hold together as their expressions do", () => {
  const pattern = fc.constantFrom(...PATTERNS);
  fc.assert(
    fc.property(fc.tuple(pattern, pattern), fc.nat(3), fc.nat(5), text, ([left, right], min, spare, value) => {
      const spend = createBudget(1_000_000);
      const [mine, theirs] = [compile(left), compile(right)];
      const [isMine, isTheirs] = [left, right].map((source) => new RegExp(source, "u").test(value));
      const length = Array.from(value).length;
      const isWithin = min <= length && length <= min + spare;
      const both = intersect(mine, theirs, spend);
      expect(acceptsText(both, value)).toBe(isMine === true && isTheirs === true);
      expect(acceptsText(subtract(mine, theirs, spend), value)).toBe(isMine === true && isTheirs === false);
      expect(acceptsText(limitLength(mine, { min, max: min + spare }, spend), value)).toBe(isMine === true && isWithin);
      expect(acceptsText(limitLength(both, { min, max: null }, spend), value)).toBe(
        isMine === true && isTheirs === true && min <= length,
      );
    }),
    { numRuns: 500 },
  );
});

test.each<[string, string]>([
  ["(?!^)a", "it looks ahead for the start"],
  ["(?=a)^a", "it looks ahead for the start"],
  ["(?:(?=a)b)*", "it looks ahead in a repetition"],
  ["(?<!a)b", "it looks behind"],
  ["(a)\\1", "it refers to what a group has matched"],
  ["\\Ba", "it asks for the boundary of a word"],
  ["(?i:a)", "it changes its flags"],
  ["a)", "it is not a regular expression"],
])("/%s/ is refused: %s", (pattern, reason) => {
  expect(() => compile(pattern)).toThrow(reason);
});

test("a Unicode property that the JavaScript engine does not know has no set of characters", () => {
  expect(listUnicodeSet("\\p{Script=Tomorrow}")).toBe(null);
  expect(listUnicodeSet("\\p{Script=Greek}")).not.toBe(null);
});
