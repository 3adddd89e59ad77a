import { expect, test } from "vitest";
import { createInputReader, describeInput, wrapInput } from "./custom-input.ts";

/** @param cuts places in the text, in order. */
function readCut(text: string, cuts: readonly number[]): string {
  const reader = createInputReader();
  return [0, ...cuts].map((start, index) => reader.push(text.slice(start, cuts[index] ?? text.length))).join("");
}

function readWhole(text: string): string {
  const value: { readonly input: string } = JSON.parse(text);
  return value.input.toWellFormed();
}

const ARGUMENTS = [
  '{"input":""}',
  '{"input": "*** Begin Patch\\n-a\\n+b\\t\\"c\\"\\r\\n\\\\"}',
  '{ "input" : "{\\"input\\": 1}" }',
  '{\n  "input": "a/b\\/c\\b\\f"\n}',
  '{"\\u0069nput":"named by an escape \\u00e4\\u000a"}',
  '{"input":"😀 \\ud83d\\ude00 \\uD83D\\uDE00 é"}',
  '{"input":"half \\ud83d, half \\ude00, two \\ud83d\\ud83d\\ude00, last \\ud83d"}',
  '{"input":"half \\ud83d\\n"}',
];

test.each(ARGUMENTS)("the input of %s is the same however its arguments are cut", (text) => {
  const whole = readWhole(text);
  expect(readCut(text, [])).toBe(whole);
  expect(
    readCut(
      text,
      [...Array.from(text.slice(1)).keys()].map((at) => at + 1),
    ),
  ).toBe(whole);
  for (let first = 0; first <= text.length; first += 1) {
    for (let second = first; second <= text.length; second += 1) expect(readCut(text, [first, second])).toBe(whole);
  }
});

/** Of a seed, the same numbers below a limit. */
function createRandom(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

const UNITS = ["a", '"', "\\", "/", "\n", "\u0000", "\u001b", "é", "\u2028", "😀", "\ud83d", "\ude00", "u", "}"];

test("any input comes out of its arguments as it was, escaped in any way and cut anywhere", () => {
  const random = createRandom(12);
  for (let round = 0; round < 2000; round += 1) {
    const input = Array.from({ length: random(12) }, () => UNITS[random(UNITS.length)] ?? "").join("");
    const escaped = wrapInput(input).replace(/(?<=:").*(?="\}$)/s, (content) =>
      content.replaceAll(/\\u....|\\.|[^]/g, (unit) =>
        unit.startsWith("\\") || random(2) === 0 ? unit : `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
      ),
    );
    const cuts = Array.from({ length: random(6) }, () => random(escaped.length + 1)).toSorted((a, b) => a - b);
    expect(readCut(escaped, cuts)).toBe(input.toWellFormed());
  }
});

test("each piece of an input comes with its piece of the arguments, and is made of whole code points", () => {
  const reader = createInputReader();
  const pieces = ['{"in', 'put": ', '"a', "b\\", "n", "c\\ud8", "3d\\u", "de00d", '"', "}\n"];
  const added = pieces.map((piece) => reader.push(piece));
  expect(added).toEqual(["", "", "a", "b", "\n", "c", "", "😀d", "", ""]);
});

test.each([
  ['{"input": "abc', "abc"],
  ['{"input": "abc\\', "abc"],
  ['{"input": "abc\\u00', "abc"],
  ['{"input": "abc\\ud83d', "abc"],
  ['{"inp', ""],
  ["", ""],
])("of arguments that are cut, %j, the input is %j", (text, input) => {
  expect(readCut(text, [])).toBe(input);
});

test.each([null, "^a+$"])("a custom tool takes one text, here of the pattern %j, and nothing else", (pattern) => {
  expect(describeInput("A patch", pattern)).toEqual({
    type: "object",
    properties: { input: { type: "string", description: "A patch", ...(pattern === null ? {} : { pattern }) } },
    required: ["input"],
    additionalProperties: false,
  });
});
