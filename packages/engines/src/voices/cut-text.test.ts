import { expect, test } from "vitest";
import { cutText } from "./cut-text.ts";

const options = { lengthMax: 40, firstLengthMax: 20, titles: new Set(["Dr"]) };
const piecesOf = (text: string, given = {}) =>
  cutText(text, { ...options, firstLengthMax: 40, ...given }).map(({ text: piece }) => piece);

test("sentences are pieces, and titles and initials end none", () => {
  expect(piecesOf('Dr. Who met J. K. Rowe. "Well?" he said. Yes!')).toEqual([
    "Dr. Who met J. K. Rowe.",
    '"Well?" he said.',
    "Yes!",
  ]);
});

test("lines are pieces, and blank ones are none", () => {
  expect(piecesOf("first\n\n \nsecond")).toEqual(["first", "second"]);
});

test("a long sentence is cut at its pauses, else between words, else anywhere but within a character", () => {
  expect(piecesOf("One clause that is long enough, and another; then the rest.")).toEqual([
    "One clause that is long enough,",
    "and another; then the rest.",
  ]);
  expect(piecesOf("many words without any pause between them at all")).toEqual([
    "many words without any pause between",
    "them at all",
  ]);
  const emoji = "😀".repeat(30);
  expect(piecesOf(emoji, { lengthMax: 41, firstLengthMax: 41 })).toEqual(["😀".repeat(20), "😀".repeat(10)]);
});

test("the first piece is shorter, because its sound is waited for", () => {
  expect(cutText("Hello there, my dear old friend of mine.", options)[0]?.text).toBe("Hello there,");
});

test("the ends of pieces are counted in characters, and the last one is the end of the text", () => {
  expect(cutText("Größe 😀. Two.  \n", options).map(({ endCharacters }) => endCharacters)).toEqual([9, 16]);
  expect(cutText(" \n ", options)).toEqual([]);
});
