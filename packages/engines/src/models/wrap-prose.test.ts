import { expect, test } from "vitest";
import { wrapProse } from "./wrap-prose.ts";

const SENTENCE = "The model is not in the cache: 491 MB are to be downloaded to /home/somebody/.cache/openai-compat.";

test.each([20, 40, 80, undefined, 0])("on a terminal of %s columns, a sentence breaks between words", (columns) => {
  const wrapped = wrapProse(SENTENCE, { isTTY: true, ...(columns === undefined ? {} : { columns }) });
  expect(wrapped.replaceAll("\n", " ")).toBe(SENTENCE);
  expect(wrapped).toContain("\n");
  for (const line of wrapped.split("\n")) {
    if (line.includes(" "))
      expect(line.length).toBeLessThanOrEqual(columns === undefined || columns === 0 ? 80 : columns);
  }
});

test("lines that fit stay as they are, with their indentation and their ends", () => {
  const text = "One.\n  openai-compat keys create\n\n";
  expect(wrapProse(text, { isTTY: true, columns: 40 })).toBe(text);
});

test("the lines of an indented sentence are all indented", () => {
  expect(wrapProse("    One two three.", { isTTY: true, columns: 12 })).toBe("    One two\n    three.");
});

test("a word that is wider than the terminal stays whole", () => {
  expect(wrapProse("In /a/very/long/path it is.", { isTTY: true, columns: 10 })).toBe("In\n/a/very/long/path\nit is.");
});

test("a file gets a text as it is, however long", () => {
  expect(wrapProse(SENTENCE, { isTTY: false, columns: 20 })).toBe(SENTENCE);
  expect(wrapProse(SENTENCE, {})).toBe(SENTENCE);
});
