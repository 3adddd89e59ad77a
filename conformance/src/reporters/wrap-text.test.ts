import { expect, test } from "vitest";
import { wrapText } from "./wrap-text.ts";

const terminal = { isTerminal: true, columns: 20, write: () => {} };

test("a terminal's lines end between words and are indented but for the first", () => {
  expect(wrapText("inconclusive: the model came to no end", { output: terminal, indent: 4 })).toEqual([
    "inconclusive: the",
    "    model came to",
    "    no end",
  ]);
});

test("spaces at the beginning stay, and a word that is wider than the terminal stays whole", () => {
  expect(wrapText("    chat.stream.role-first, b", { output: terminal, indent: 4 })).toEqual([
    "    chat.stream.role-first,",
    "    b",
  ]);
});

test("a log keeps a line whole", () => {
  const long = "word ".repeat(100);
  expect(wrapText(long, { output: { ...terminal, isTerminal: false }, indent: 4 })).toEqual([long]);
});
