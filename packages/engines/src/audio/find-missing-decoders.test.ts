import { expect, test } from "vitest";
import { DECODER_PACKAGES } from "./decoder-packages.ts";
import { findMissingDecoders } from "./find-missing-decoders.ts";

const ffmpegCommand = "no-ffmpeg-here";
const gone = async () =>
  Promise.reject(Object.assign(new Error("Cannot find package"), { code: "ERR_MODULE_NOT_FOUND" }));

test("with all packages nothing is missing", async () => {
  expect(await findMissingDecoders({ ffmpegCommand })).toEqual([]);
});

test("a package that isn't installed is named with its formats", async () => {
  const packages = { ...DECODER_PACKAGES, "mpg123-decoder": gone, "audio-decode": gone };
  expect(await findMissingDecoders({ ffmpegCommand, packages })).toEqual([
    { formats: "mp3", packageName: "mpg123-decoder" },
    { formats: "mp4, m4a and webm", packageName: "audio-decode" },
  ]);
});

test("with an ffmpeg nothing is missing, with one that fails it is", async () => {
  const packages = { ...DECODER_PACKAGES, "opus-decoder": gone };
  // Both take `-version` for an option of theirs.
  expect(await findMissingDecoders({ ffmpegCommand: "true", packages })).toEqual([]);
  expect(await findMissingDecoders({ ffmpegCommand: "false", packages })).toHaveLength(1);
});
