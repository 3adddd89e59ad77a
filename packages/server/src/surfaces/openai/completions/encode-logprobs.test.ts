import type { PromptLogprob } from "@openai-compat/core";
import fc from "fast-check";
import { anyCharacter } from "@openai-compat/core/any-character";
import { expect, test } from "vitest";
import { countCharacters, encodeLogprobs } from "./encode-logprobs.ts";

const REPLACEMENT = "\uFFFD";

function tokenOf(bytes: readonly number[], logprob: number | null = -1): PromptLogprob {
  const text = Buffer.from(bytes).toString("utf8");
  const token = { text: text.includes(REPLACEMENT) ? REPLACEMENT : text, bytes };
  return logprob === null ? { ...token, logprob, top: [] } : { ...token, logprob, top: [] };
}

test("where none were asked for there are none", () => {
  expect(encodeLogprobs(null, 0)).toBeNull();
});

test("the four lists are as long as there are tokens; the first token of a prompt has no probability", () => {
  const encoded = encodeLogprobs(
    [tokenOf([72, 105], null), { ...tokenOf([33]), top: [{ ...tokenOf([63]), logprob: -0.5 }] }],
    7,
  );
  expect(encoded).toEqual({
    text_offset: [7, 9],
    tokens: ["Hi", "!"],
    token_logprobs: [null, -1],
    top_logprobs: [null, { "!": -1, "?": -0.5 }],
  });
});

test("parts of a character are encoded as bytes, with the offset of the character", () => {
  const wave = [...Buffer.from("👋")];
  const encoded = encodeLogprobs([tokenOf(wave.slice(0, 3)), tokenOf(wave.slice(3)), tokenOf([33])], 0);
  expect(encoded?.tokens).toEqual(["bytes:\\xf0\\x9f\\x91", "bytes:\\x8b", "!"]);
  expect(encoded?.text_offset).toEqual([0, 0, 1]);
});

test("a byte order mark at the beginning is a character like any other", () => {
  const encoded = encodeLogprobs([tokenOf([...Buffer.from("\uFEFF")]), tokenOf([65])], 0);
  expect(encoded?.text_offset).toEqual([0, 1]);
});

test("of any text, each token of whole characters stands at its offset", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: anyCharacter, minLength: 1 }), { minLength: 1 }),
      fc.nat(100),
      (parts, before) => {
        const wellFormed = parts.map((part) => part.toWellFormed());
        const encoded = encodeLogprobs(
          wellFormed.map((part) => tokenOf([...Buffer.from(part)])),
          before,
        );
        const characters = Array.from(wellFormed.join(""));
        for (const [index, part] of wellFormed.entries()) {
          const at = (encoded?.text_offset?.[index] ?? -1) - before;
          expect(characters.slice(at, at + countCharacters(part)).join("")).toBe(part);
        }
      },
    ),
  );
});
