import { expect, test } from "vitest";
import { countCertain, dropLastWord } from "./live-agreement.ts";
import { createWhisperText } from "./whisper-text.ts";

const WORDS = [" the", " sea", " is", " wi", "de", ",", ".", " and", "'s", " 海", "は", "広", "\u00e9"];
/** The last letter has two bytes, a token each. */
const BYTES = [...WORDS.slice(0, -1).map((word) => Buffer.from(word)), Buffer.from([0xc3]), Buffer.from([0xa9])];
const END = BYTES.length;
const TIME = END + 10;
const text = createWhisperText(BYTES);

function tokensOf(words: readonly string[]): readonly number[] {
  return words.map((word) => (word === "|" ? TIME : WORDS.indexOf(word)));
}

function agree(previous: readonly string[], next: readonly string[], certain = 0): string {
  const tokens = tokensOf(next);
  const count = countCertain({ previous: tokensOf(previous), next: tokens, certain }, text, END);
  return text.decode(tokens.slice(0, count));
}

test("what two passes agree on is certain, whatever timestamps lie between", () => {
  expect(agree(["|", " the", " sea", " is"], ["|", " the", "|", "|", " sea", " and"])).toBe(" the sea");
  expect(agree(["|", " the"], ["|", " sea"])).toBe("");
  expect(countCertain({ previous: null, next: tokensOf([" the"]), certain: 0 }, text, END)).toBe(0);
});

test("punctuation at the end is held back until a word follows", () => {
  expect(agree([" the", " sea", "."], [" the", " sea", "."])).toBe(" the sea");
  expect(agree([" the", " sea", ",", " is"], [" the", " sea", ",", " is", " wi"])).toBe(" the sea, is");
});

test("a word is sent as a whole", () => {
  expect(agree([" is", " wi", "de"], [" is", " wi", "'s"])).toBe(" is");
  expect(agree([" is", " wi"], [" is", " wi", "de"])).toBe(" is");
  expect(agree([" is", " wi", "de"], [" is", " wi", "de"])).toBe(" is wide");
});

test("scripts without spaces are sent character by character, and no part of one is", () => {
  expect(agree([" 海", "は", "広"], [" 海", "は", "de"])).toBe(" 海は");
  const [first, second] = [END - 2, END - 1];
  const halves = { previous: [9, first], next: [9, first, second], certain: 0 };
  expect(countCertain(halves, text, END)).toBe(1);
});

test("what is certain stays so, though nothing more is", () => {
  expect(agree([" the", " sea"], [" the", " sea", " is"], 1)).toBe(" the sea");
  expect(agree([" the", "."], [" the", "."], 1)).toBe(" the");
  expect(agree([" the", " sea"], [" the", " is"], 1)).toBe(" the");
});

test("the last word can be left out, with what belongs to it", () => {
  const drop = (words: readonly string[]) => text.decode(dropLastWord(tokensOf(words), text, END));
  expect(drop(["|", " the", " sea", "|"])).toBe(" the");
  expect(drop([" is", " wi", "de"])).toBe(" is");
  expect(drop([" wi", "de"])).toBe("");
  expect(drop([])).toBe("");
});
