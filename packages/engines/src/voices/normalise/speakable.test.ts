import { expect, test } from "vitest";
import { requireSpeakable } from "./speakable.ts";

test.each(["Hello.", "12", "100 %", "🎉", "α", "Tokyo (東京) is the capital of Japan.", "Ünïcödé"])(
  "%s can be spoken",
  (text) => expect(() => requireSpeakable(text)).not.toThrow(),
);

test.each([
  ["...", "it has nothing that can be spoken"],
  ["\u200b\u0007", "it has nothing that can be spoken"],
  ["東京はいい所です Tokyo", "the script Han, Hiragana"],
  ["مرحبا بالعالم", "the script Arabic"],
  ["Привет, world", "the script Cyrillic"],
])("%s is refused", (text, reason) => {
  expect(() => requireSpeakable(text)).toThrow(
    expect.objectContaining({ code: "invalid_value", param: "input", message: expect.stringContaining(reason) }),
  );
});
