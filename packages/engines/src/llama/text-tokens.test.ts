import { expect, test } from "vitest";
import { createWorkSlices } from "@openai-compat/core";
import type { PlainText } from "@openai-compat/core";
import { tokenizeText as tokenizeWith } from "./text-tokens.ts";
import type { TextTokenizer } from "./text-tokens.ts";

const tokenizeText = async (text: PlainText, tokenizer: TextTokenizer) =>
  tokenizeWith(text, tokenizer, createWorkSlices({ signal: new AbortController().signal }));

/** Letters are tokens by their code. */
const plain: TextTokenizer = {
  tokenize: async (text) => Array.from(text, (letter) => letter.charCodeAt(0)),
  detokenize: (tokens) => String.fromCharCode(...tokens),
  isToken: (id) => id < 200,
  prefixToken: null,
  documentToken: 1,
  infill: null,
};
const filling: TextTokenizer = { ...plain, infill: { prefix: 150, suffix: 151, middle: 152 } };

test("a text is its tokens, and tokens are their text", async () => {
  expect(await tokenizeText({ text: "ab", suffix: null }, plain)).toEqual({
    tokens: [97, 98],
    text: "ab",
    textStart: 0,
    textEnd: 2,
  });
  expect((await tokenizeText({ text: [97, 98], suffix: null }, plain)).text).toBe("ab");
});

test("the prefix token of a model is added once, before the text", async () => {
  const tokenizer = { ...plain, prefixToken: 1 };
  expect(await tokenizeText({ text: "a", suffix: null }, tokenizer)).toMatchObject({
    tokens: [1, 97],
    textStart: 1,
    textEnd: 2,
  });
  expect(await tokenizeText({ text: "\u0001a", suffix: null }, tokenizer)).toMatchObject({
    tokens: [1, 97],
    textStart: 0,
  });
  expect((await tokenizeText({ text: "", suffix: null }, tokenizer)).tokens).toEqual([1]);
});

test("tokens that a caller made are sent as they are", async () => {
  expect((await tokenizeText({ text: [97], suffix: null }, { ...plain, prefixToken: 1 })).tokens).toEqual([97]);
});

test("an empty text is the beginning of a document, where the model has a token for one", async () => {
  expect(await tokenizeText({ text: "", suffix: null }, plain)).toEqual({
    tokens: [1],
    text: "",
    textStart: 1,
    textEnd: 1,
  });
  const refused = () => tokenizeText({ text: "", suffix: null }, { ...plain, documentToken: null });
  await expect(refused()).rejects.toThrow(expect.objectContaining({ code: "invalid_value", param: "prompt" }));
});

test("a gap is what comes before, what comes after, and the request for the middle", async () => {
  expect(await tokenizeText({ text: "a", suffix: "z" }, filling)).toEqual({
    tokens: [150, 97, 151, 122, 152],
    text: "a",
    textStart: 1,
    textEnd: 2,
  });
  expect((await tokenizeText({ text: "a", suffix: null }, filling)).tokens).toEqual([97]);
});

test("a suffix is refused by name where the model was not trained for one", async () => {
  const refused = () => tokenizeText({ text: "a", suffix: "z" }, plain);
  await expect(refused()).rejects.toThrow(expect.objectContaining({ code: "unsupported_parameter", param: "suffix" }));
});
