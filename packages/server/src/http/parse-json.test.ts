import { createCountedSlices } from "@openai-compat/core/counted-slices";
import fc from "fast-check";
import { anyCharacter } from "@openai-compat/core/any-character";
import { expect, test } from "vitest";
import { findJsonExcess } from "./json-values.ts";
import { parseJsonInSlices } from "./parse-json.ts";

const BOUNDLESS = { valuesMax: Infinity, numbersMax: Infinity, depthMax: Infinity };

const parse = async (text: string, bounds = BOUNDLESS) =>
  parseJsonInSlices(Buffer.from(text), bounds, createCountedSlices());

function parseWhole(text: string): unknown {
  try {
    return { type: "value", value: JSON.parse(text) };
  } catch {
    return { type: "invalid" };
  }
}

async function expectSame(cut: string): Promise<void> {
  // Bytes are UTF-8: half a character is none.
  const text = cut.toWellFormed();
  const parsed = await parse(text);
  expect(parsed.type === "invalid" ? { type: "invalid" } : parsed, text.slice(0, 200)).toEqual(parseWhole(text));
}

test("any JSON is parsed as JSON.parse does, however it is spaced", async () => {
  const json = fc.jsonValue({ stringUnit: anyCharacter });
  await fc.assert(
    fc.asyncProperty(json, fc.constantFrom("", " ", "\t", "\n\n"), async (value, space) => {
      await expectSame(JSON.stringify(value, null, space));
    }),
  );
});

test("a text that is cut or has a wrong character is refused where JSON.parse refuses it", async () => {
  const json = fc.jsonValue({ stringUnit: anyCharacter });
  const wrong = fc.constantFrom("", ",", ":", '"', "[", "]", "{", "}", "\\", "0", "-", ".", "e", "t", "\u0000", " ");
  await fc.assert(
    fc.asyncProperty(json, fc.nat(), wrong, async (value, place, character) => {
      const text = JSON.stringify(value);
      const at = place % (text.length + 1);
      await expectSame(text.slice(0, at));
      await expectSame(text.slice(0, at) + character + text.slice(at));
      await expectSame(text.slice(0, at) + character + text.slice(at + 1));
    }),
    { numRuns: 300 },
  );
});

test.each([
  "",
  " ",
  "01",
  "-",
  "1.",
  "1e400",
  "-0",
  "nul",
  "truefalse",
  "NaN",
  "[1,]",
  "[,1]",
  '{"a":1,}',
  '{"a"}',
  '{"a":1 "b":2}',
  '{"__proto__":{"x":1},"constructor":2,"2":1,"1":2,"a":1,"a":3}',
  '"\\u12"',
  '"\\\\x"',
  '"\\\\',
  '"\\t"',
  "[[],{},[{}]] ",
  "{} {}",
])("%j is parsed, or refused, as JSON.parse does", async (text) => {
  await expectSame(text);
});

test("a long string comes in pieces that end within no escape and no character", async () => {
  for (const unit of ["a", "é", "\u{1f600}", "\\u00e9", "\\ud83d\\ude00", "\\n", '\\"', "\\\\", "€\\u0041"]) {
    for (const shift of [0, 1, 2, 3, 4, 5])
      await expectSame(`"${"x".repeat(shift)}${unit.repeat(200_000 / unit.length)}"`);
  }
  await expectSame(`{"${"k".repeat(150_000)}":1}`);
});

test("long work of any kind is cut into slices", async () => {
  const count = async (text: string) => {
    const slices = createCountedSlices();
    await parseJsonInSlices(Buffer.from(text), BOUNDLESS, slices);
    return slices.count;
  };
  const bytes = 1_000_000;
  expect(await count(`"${"a".repeat(bytes)}"`)).toBeGreaterThan(10);
  expect(await count(" ".repeat(bytes))).toBeGreaterThan(10);
  expect(await count(`[${"1,".repeat(bytes / 2)}1]`)).toBeGreaterThan(10);
  expect(await count("[".repeat(bytes))).toBeGreaterThan(10);
  expect(await count(`{${'"a":{},'.repeat(bytes / 8)}`)).toBeGreaterThan(10);
});

test("a number longer than a piece is refused", async () => {
  expect(await parse("1".repeat(60_000))).toMatchObject({ type: "value" });
  expect(await parse("1".repeat(70_000))).toMatchObject({ type: "invalid" });
});

test("bounds are those of a text that is looked through before it is parsed", async () => {
  const json = fc.jsonValue();
  const bound = fc.integer({ min: 1, max: 8 });
  await fc.assert(
    fc.asyncProperty(json, bound, bound, bound, async (value, valuesMax, numbersMax, depthMax) => {
      const text = JSON.stringify([value, 1, 2, -3], null, 1);
      const bounds = { valuesMax, numbersMax, depthMax };
      const parsed = await parse(text, bounds);
      expect(parsed.type === "excess" ? parsed.excess : null).toBe(findJsonExcess(Buffer.from(text), bounds));
    }),
  );
});
