import fc from "fast-check";
import { anyCharacter } from "@openai-compat/core/any-character";
import { expect, test } from "vitest";
import { createStopFilter } from "../shared/stop-filter.ts";
import { createTokenText } from "./token-text.ts";

/** A vocabulary of arbitrary pieces of bytes: the token is the index of its piece. */
function createVocabulary(pieces: readonly Uint8Array[]) {
  return (tokens: readonly number[]) =>
    Buffer.concat(tokens.map((token) => pieces[token] ?? Buffer.alloc(0))).toString("utf8");
}

function cutBytes(bytes: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let start = 0;
  for (let turn = 0; start < bytes.length; turn += 1) {
    const length = lengths[turn % lengths.length] ?? 1;
    pieces.push(bytes.subarray(start, start + length));
    start += length;
  }
  return pieces;
}

const pieceLengths = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 8 });

function stream(pieces: readonly Uint8Array[]): string[] {
  const tokenText = createTokenText(createVocabulary(pieces), []);
  return pieces.map((_, token) => tokenText.push(token));
}

test("any text cut into any bytes comes back whole, in deltas of whole code points", () => {
  fc.assert(
    fc.property(fc.string({ unit: anyCharacter }), pieceLengths, (text, lengths) => {
      // A text may end with U+FFFD itself, which only a following character tells from an unfinished one.
      const whole = `${text.toWellFormed()}.`;
      const deltas = stream(cutBytes(Buffer.from(whole), lengths));
      expect(deltas.join("")).toBe(whole);
      expect(deltas.every((delta) => delta.isWellFormed())).toBe(true);
    }),
  );
});

test("bytes that are not UTF-8 are decoded as by the platform's decoder", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), pieceLengths, (bytes, lengths) => {
      const ended = Buffer.concat([bytes, Buffer.from(".")]);
      expect(stream(cutBytes(ended, lengths)).join("")).toBe(
        new TextDecoder("utf-8", { ignoreBOM: true }).decode(ended),
      );
    }),
    { numRuns: 1000 },
  );
});

test("a character cut off by the end of the answer is never shown", () => {
  const pieces = cutBytes(Buffer.from("a😀").subarray(0, 4), [1]);
  expect(stream(pieces)).toEqual(["a", "", "", ""]);
});

test("the beginning of a character can be forgotten, whatever comes after it", () => {
  const pieces = [...cutBytes(Buffer.from("a😀").subarray(0, 4), [2]), Buffer.from('"é')];
  const tokenText = createTokenText(createVocabulary(pieces), []);
  expect([tokenText.push(0), tokenText.push(1)]).toEqual(["a", ""]);
  tokenText.dropUnfinished();
  expect(tokenText.push(2)).toBe('"é');
});

test("with stop strings the result is that of cutting the whole text", () => {
  const stops = fc.array(fc.string({ unit: fc.constantFrom("a", "é", "😀"), minLength: 1, maxLength: 4 }), {
    minLength: 1,
    maxLength: 4,
  });
  const texts = fc.string({ unit: fc.constantFrom("a", "é", "😀", "z"), maxLength: 30 });
  fc.assert(
    fc.property(texts, pieceLengths, stops, (text, lengths, stopStrings) => {
      const whole = createStopFilter(stopStrings);
      const split = createStopFilter(stopStrings);
      const deltas = stream(cutBytes(Buffer.from(text), lengths)).map((delta) => split.push(delta));
      expect(deltas.join("") + split.end()).toBe(whole.push(text) + whole.end());
      expect(split.stopped).toBe(whole.stopped);
    }),
  );
});
