import { createCountedSlices } from "@openai-compat/core/counted-slices";
import fc from "fast-check";
import { expect, test } from "vitest";
import { matchAnyOf } from "./any-of.ts";
import { tokenizeInSlices } from "./sliced-tokens.ts";
import type { PieceTokenizer } from "./sliced-tokens.ts";

const FIXED = ["<|end|>", "<tool call>"];
const CONTROL = FIXED[0] ?? "";

/** Each word is a token, as trained vocabularies cut their texts before they merge; its number is that of its text. */
function createTokenizer(words: RegExp) {
  const numbers = new Map<string, number>();
  const pieces: string[] = [];
  const number = (word: string) => {
    const known = numbers.get(word) ?? numbers.size;
    numbers.set(word, known);
    return known;
  };
  const tokenizer: PieceTokenizer = {
    tokenize(text, special) {
      pieces.push(text);
      const fixed = special ? FIXED : FIXED.slice(1);
      const parts = text.split(special ? /(<\|end\|>|<tool call>)/u : /(<tool call>)/u);
      return parts.flatMap((part) => (fixed.includes(part) ? [part] : (part.match(words) ?? [])).map(number));
    },
    fixedText: matchAnyOf(FIXED),
  };
  return { tokenizer, pieces };
}

const GPT_2 = /'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;
const GPT_4 =
  /[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+(?:'[sdmt])?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+/gu;

test.each([
  ["GPT-2", GPT_2],
  ["GPT-4", GPT_4],
])("a long text has the tokens that it has in one piece, with the words of %s", async (_name, words) => {
  const part = fc.constantFrom(
    "it's",
    " word",
    " and",
    "été",
    ",",
    ". ",
    "\n",
    "  ",
    "12",
    "漢字",
    "。",
    " (",
    ")",
    ...FIXED,
  );
  const text = fc.array(part, { minLength: 200, maxLength: 400 }).map((parts) => parts.join("").repeat(12));
  await fc.assert(
    fc.asyncProperty(text, fc.boolean(), async (long, special) => {
      const { tokenizer } = createTokenizer(words);
      const tokens = await tokenizeInSlices(long, { special, tokenizer, slices: createCountedSlices() });
      expect(tokens).toEqual(tokenizer.tokenize(long, special));
    }),
    { numRuns: 50 },
  );
});

test.each([
  ["a word without an end", "a"],
  ["blanks", " "],
  ["line breaks", "\n"],
  ["emojis", "\u{1f600}"],
  ["lone surrogates", "\ud800"],
  ["fixed texts", "<tool call>"],
  ["control tokens", CONTROL],
])(
  "%s of a million characters are tokenised in small pieces, and the event loop runs between them",
  async (_name, unit) => {
    const { tokenizer, pieces } = createTokenizer(GPT_2);
    const slices = createCountedSlices();
    const text = unit.repeat(1_000_000 / unit.length);
    await tokenizeInSlices(text, { special: true, tokenizer, slices });
    expect(pieces.join("")).toBe(text);
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(2048);
    expect(slices.count).toBe(pieces.length);
    expect(pieces.every((piece) => unit === "\ud800" || piece.isWellFormed())).toBe(true);
  },
);

test("a short text is tokenised at once", async () => {
  const { tokenizer, pieces } = createTokenizer(GPT_2);
  const slices = createCountedSlices();
  await tokenizeInSlices("a b".repeat(600), { special: true, tokenizer, slices });
  expect([pieces.length, slices.count]).toEqual([1, 0]);
});
