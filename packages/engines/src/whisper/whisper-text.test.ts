import { expect, test } from "vitest";
import { createWhisperText } from "./whisper-text.ts";

const TOKENS = [
  ...Array.from({ length: 256 }, (_, byte) => Buffer.from([byte])),
  ...["th", "the", " t", " the", "sea", "se"].map((token) => Buffer.from(token)),
];
const text = createWhisperText(TOKENS);

test("pairs with the lowest id are joined first", () => {
  expect(text.encode("the sea")).toEqual([257, 32, 260]);
  expect(text.encode(" the")).toEqual([259]);
});

test.each(["the sea", " \n  two  spaces ", "Größe, 3.5 %", "日本語 😀", "it's we'll", ""])(
  "%j comes back as it was",
  (said) => {
    expect(text.decode(text.encode(said))).toBe(said);
  },
);

test("special tokens have no text", () => {
  expect(text.decode([...text.encode("a"), 5000, ...text.encode("b")])).toBe("ab");
});

test("a long word takes no time that grows with its square", () => {
  expect(text.encode("x".repeat(20_000))).toHaveLength(20_000);
});
