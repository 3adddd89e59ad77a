import { expect, test } from "vitest";
import { createDictionary } from "./dictionary.ts";
import { Lexicon } from "./lexicon.ts";
import type { WordRequest } from "./lexicon.ts";
import { pronounceNumber } from "./number-phonemes.ts";

const gold = createDictionary({
  walk: "wˈɔk",
  wait: "wˈAt",
  box: "bˈɑks",
  city: "sˈɪTi",
  read: { DEFAULT: "ɹˈid", VBD: "ɹˈɛd" },
  used: { DEFAULT: "jˈuzd", VBD: "jˈust" },
  to: "tˈu",
  am: "æm",
  U: "jˈu",
  S: "ˈɛs",
  one: "wˈʌn",
  two: "tˈu",
  five: "fˈIv",
  twenty: "twˈɛnti",
  and: "ænd",
  dollar: "dˈɑləɹ",
  cent: "sˈɛnt",
});
const lexicons = [false, true].map(
  (isBritish) => new Lexicon({ gold, silver: createDictionary({ café: "kæfˈA" }), isBritish }),
);
const [american, british] = lexicons;

function find(word: string, options: Partial<WordRequest> = {}, lexicon = american): string | null {
  const context = { isVowelNext: false, isToNext: false };
  return lexicon?.find({ word, tag: "NN", stress: null, context, ...options }) ?? null;
}

test.each([
  ["walks", "wˈɔks"],
  ["walked", "wˈɔkt"],
  ["waited", "wˈAɾᵻd"],
  ["waiting", "wˈAɾɪŋ"],
  ["boxes", "bˈɑksᵻz"],
  ["cities", "sˈɪTiz"],
  ["Walk", "wˈɔk"],
  ["café", "kæfˈA"],
  ["U.S", "jˌuˈɛs"],
])("%s is found by its stem, its other case or its letters", (word, phonemes) => expect(find(word)).toBe(phonemes));

test("in British English no t is flapped", () => {
  expect(find("waiting", {}, british)).toBe("wˈAtɪŋ");
  expect(find("boxes", {}, british)).toBe("bˈɑksɪz");
});

test("what part of speech a word is, and what follows it, decides how it sounds", () => {
  expect(find("read", { tag: "VBD" })).toBe("ɹˈɛd");
  expect(find("read", { tag: "VB" })).toBe("ɹˈid");
  expect(find("used", { tag: "VBD", context: { isVowelNext: false, isToNext: true } })).toBe("jˈust");
  expect(find("the", { tag: "DT", context: { isVowelNext: true, isToNext: false } })).toBe("ði");
  expect(find("the", { tag: "DT" })).toBe("ðə");
  expect(find("to", { tag: "TO", context: { isVowelNext: null, isToNext: false } })).toBe("tˈu");
});

test("a word that no dictionary has is not made up, whatever its name", () => {
  for (const word of ["quizzle", "constructor", "__proto__", "toString"]) expect(find(word)).toBe(null);
});

test.each([
  ["$", "1.05", "wˈʌn dˈɑləɹ ænd fˈIv sˈɛnts"],
  ["$", "0.2", "twˈɛnti sˈɛnts"],
  ["$", "2", "tˈu dˈɑləɹz"],
  [null, "25", "twˈɛnti fˈIv"],
  [null, "2's", "tˈuz"],
])("the number %s%s is pronounced", (currency, word, phonemes) => {
  if (american === undefined) throw new Error("There is an American lexicon.");
  expect(pronounceNumber(american, { word, currency, isHead: true })).toBe(phonemes);
});
