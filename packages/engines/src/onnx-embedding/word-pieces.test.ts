import { anyCharacter } from "@openai-compat/core/any-character";
import { createCountedSlices } from "@openai-compat/core/counted-slices";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createWordPieces } from "./word-pieces.ts";

const MARKERS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
const LETTERS = "abcdefghijklmnopqrstuvwxyzσ漢字𠀀😀€".split(/(?:)/u);
const VOCABULARY = [
  ...MARKERS,
  ...".,!?[]'-$+".split(""),
  ...LETTERS,
  ...LETTERS.map((letter) => `##${letter}`),
  "un",
  "##aff",
  "##able",
  "##ab",
  "affable",
];
const pieces = createWordPieces(VOCABULARY);

async function read(text: string): Promise<readonly string[]> {
  const tokens = await pieces.tokenise(text, createCountedSlices());
  return tokens.map((id) => VOCABULARY[id] ?? `no token ${id}`);
}

test.each<[string, readonly string[]]>([
  ["unaffable", ["un", "##aff", "##able"]],
  ["Un-AFFABLE.", ["un", "-", "affable", "."]],
  ["é É e\u0301", ["e", "e", "e"]],
  ["ΟΔΥΣΣΑΣ", ["[UNK]"]],
  ["aΣ", ["a", "##σ"]],
  ["a漢b字", ["a", "漢", "b", "字"]],
  ["𠀀a", ["𠀀", "a"]],
  ["a😀 a€", ["a", "##😀", "a", "##€"]],
  ["a\u200bb\u0000c\ufffdd", ["a", "##b", "##c", "##d"]],
  ["a\tb\u00a0c\u3000d", ["a", "b", "c", "d"]],
  ["[SEP]", ["[", "s", "##e", "##p", "]"]],
  ["aж", ["[UNK]"]],
  ["", []],
  ["\u200b \n", []],
])("%j is read as the reference implementation reads it", async (text, expected) => {
  expect(await read(text)).toEqual(expected);
});

test("a word of more than 100 characters is unknown, however many halves of pairs it has", async () => {
  expect(await read("a".repeat(100))).toHaveLength(100);
  expect(await read("a".repeat(101))).toEqual(["[UNK]"]);
  expect(await read("😀".repeat(100))).toHaveLength(100);
  expect(await read("😀".repeat(101))).toEqual(["[UNK]"]);
});

const text = fc.oneof(
  fc.array(anyCharacter, { maxLength: 60 }).map((characters) => characters.join("")),
  fc
    .array(fc.constantFrom(...VOCABULARY, " ", "É", "Σ", "\u200b", "\u0301", "A"), { maxLength: 60 })
    .map((parts) => parts.join("")),
);

test("the tokens of two texts with a blank between them are those of one and of the other", async () => {
  await fc.assert(
    fc.asyncProperty(text, text, async (first, second) => {
      expect(await read(`${first} ${second}`)).toEqual([...(await read(first)), ...(await read(second))]);
    }),
  );
});

test("no text has the token of a marker", async () => {
  const markers = MARKERS.filter((marker) => marker !== "[UNK]");
  await fc.assert(
    fc.asyncProperty(text, async (any) => {
      expect((await read(any)).filter((token) => markers.includes(token))).toEqual([]);
    }),
  );
});

test("a word of known letters is cut without a loss, each piece as long as the vocabulary allows", async () => {
  const known = new Set(VOCABULARY);
  const word = fc.string({ unit: fc.constantFrom(..."unafble".split("")), minLength: 1, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(word, async (letters) => {
      const tokens = await read(letters);
      expect(tokens.map((token) => token.replace(/^##/, "")).join("")).toBe(letters);
      let start = 0;
      for (const token of tokens) {
        const prefix = start === 0 ? "" : "##";
        const end = start + token.length - prefix.length;
        for (let longer = end + 1; longer <= letters.length; longer += 1) {
          expect(known).not.toContain(prefix + letters.slice(start, longer));
        }
        start = end;
      }
    }),
  );
});

test("a long text has the tokens of its words, wherever it is cut", async () => {
  const word = fc
    .array(fc.constantFrom("un", "É", "e\u0301", "a\u200b", "b😀", "€", "Σ", "漢", ".", "[", "-"), {
      minLength: 1,
      maxLength: 8,
    })
    .map((parts) => parts.join(""));
  const words = fc.array(fc.tuple(word, fc.constantFrom(" ", "\n", "  ")), { minLength: 400, maxLength: 700 });
  await fc.assert(
    fc.asyncProperty(words, async (all) => {
      const expected: string[] = [];
      for (const [one] of all) expected.push(...(await read(one)));
      const long = all.map((parts) => parts.join("")).join("");
      const repeats = Math.ceil(10_000 / long.length);
      const slices = createCountedSlices();
      const tokens = await pieces.tokenise(long.repeat(repeats), slices);
      expect(slices.count).toBeGreaterThan(1);
      expect(tokens.map((id) => VOCABULARY[id])).toEqual(Array.from({ length: repeats }, () => expected).flat());
    }),
    { numRuns: 30 },
  );
});

test("markers are put where they are missing, and padding is the vocabulary's", () => {
  const [cls, sep, a] = ["[CLS]", "[SEP]", "a"].map((token) => VOCABULARY.indexOf(token));
  if (cls === undefined || sep === undefined || a === undefined) throw new Error("The vocabulary lacks a token.");
  expect(pieces.mark([a])).toEqual([cls, a, sep]);
  expect(pieces.mark([cls, a, sep])).toEqual([cls, a, sep]);
  expect(pieces.mark([])).toEqual([cls, sep]);
  expect(pieces.padding).toBe(VOCABULARY.indexOf("[PAD]"));
});

test.each(["[CLS]", "[SEP]", "[UNK]"])("a vocabulary without %s is refused by name", (marker) => {
  expect(() => createWordPieces(VOCABULARY.filter((token) => token !== marker))).toThrow(marker);
});
