import { expect, test } from "vitest";
import { describeCommand, describeLibraryInstall, describeMissingDecoders, quoteWord } from "./invocation.ts";

test.each([
  [true, "npx -y pnpm@12 openai-compat keys create"],
  [false, "npx @openai-compat/server keys create"],
])("a command is the one that works where the program runs: in a clone %s", (isClone, command) => {
  expect(describeCommand("keys create", isClone)).toBe(command);
});

test("the tests run from a clone", () => {
  expect(describeCommand("doctor")).toBe("npx -y pnpm@12 openai-compat doctor");
});

test.each([
  [{ platform: "linux", arch: "x64" }, /^npm install --omit=optional .* @node-llama-cpp\/linux-x64@\d+\.\d+\.\d+$/],
  [{ platform: "darwin", arch: "arm64" }, /@node-llama-cpp\/mac-arm64-metal@/],
  [{ platform: "plan9", arch: "mips" }, /^npm install @openai-compat\/server node-llama-cpp@\d+\.\d+\.\d+$/],
])("the library is installed on %j with its version", (machine, command) => {
  expect(describeLibraryInstall(machine)).toMatch(command);
});

test("missing decoders are named with their formats, and installed with their versions", () => {
  const message = describeMissingDecoders([
    { formats: "mp3", packageName: "mpg123-decoder" },
    { formats: "flac", packageName: "@wasm-audio-decoders/flac" },
  ]);
  expect(message).toMatch(
    /^it can't decode mp3, flac\. Install ffmpeg, or: npm install @openai-compat\/server 'mpg123-decoder@\^1[\d.]+' '@wasm-audio-decoders\/flac@\^0[\d.]+'$/,
  );
});

test.each([
  ["/data/my-keys", "/data/my-keys"],
  ["my keys", "'my keys'"],
  ["it's", `'it'\\''s'`],
])("a shell reads %s as one word", (word, quoted) => {
  expect(quoteWord(word)).toBe(quoted);
});
