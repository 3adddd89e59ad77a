import { createWorkSlices } from "@openai-compat/core";
import fc from "fast-check";
import { anyCharacter } from "@openai-compat/core/any-character";
import { expect, test } from "vitest";
import { decodeConversation, decodeToken, encodeConversation, encodeText } from "./scripted-tokens.ts";

test("any text comes back from its tokens", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      expect(encodeText(text).map(decodeToken).join("")).toBe(text);
    }),
  );
});

test("every token is a safe integer of whole code points", () => {
  fc.assert(
    fc.property(fc.string({ unit: anyCharacter }), (text) => {
      for (const token of encodeText(text)) {
        expect(Number.isSafeInteger(token)).toBe(true);
        expect(decodeToken(token).isWellFormed()).toBe(true);
      }
    }),
  );
});

test("short words are one token, the space before them included", () => {
  expect(encodeText("What is a cat?").map(decodeToken)).toEqual(["What", " is", " a", " cat", "?"]);
  expect(encodeText("conversation").map(decodeToken)).toEqual(["conver", "sation"]);
});

test("roles and texts of a conversation come back, ending with the assistant's turn", async () => {
  const tokens = await encodeConversation(
    [
      { role: "system", content: "Be brief." },
      { role: "user", content: "" },
    ],
    createWorkSlices({ signal: new AbortController().signal }),
  );
  expect(decodeConversation(tokens)).toEqual([
    { role: "system", text: "Be brief." },
    { role: "user", text: "" },
    { role: "assistant", text: "" },
  ]);
});
