import { chmod, writeFile } from "node:fs/promises";
import path from "node:path";
import { SPEECH_SAMPLE_RATE } from "@openai-compat/core";
import { expect, onTestFinished, test } from "vitest";
import { makeTemporaryDirectory } from "../../models/testing/temporary-directory.ts";
import { createAacEncoder, hasAacProgram } from "./aac-encoder.ts";

const SECONDS = 1.5;
const tone = Float32Array.from(
  { length: SPEECH_SAMPLE_RATE * SECONDS },
  (_, index) => 0.4 * Math.sin((2 * Math.PI * 220 * index) / SPEECH_SAMPLE_RATE),
);
const SAMPLES_PER_FRAME = 1024;
const isPosix = process.platform !== "win32";

/** A program in place of ffmpeg that does what a shell script says. */
async function writeProgram(script: string): Promise<string> {
  const directory = await makeTemporaryDirectory();
  onTestFinished(() => directory[Symbol.asyncDispose]());
  const command = path.join(directory.path, "ffmpeg");
  await writeFile(command, `#!/bin/sh\n${script}\n`);
  await chmod(command, 0o755);
  return command;
}

/** The frames of an ADTS stream, whole ones alone. @throws Error where one has no header */
function listFrames(bytes: Uint8Array): readonly Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const [first = 0, second = 0, , high = 0, middle = 0, low = 0] = bytes.subarray(at, at + 6);
    if (first !== 0xff || (second & 0xf6) !== 0xf0) throw new Error("There is no frame.");
    const length = ((high & 3) << 11) | (middle << 3) | (low >> 5);
    frames.push(bytes.subarray(at, at + length));
    at += length;
  }
  return frames;
}

test.skipIf(!hasAacProgram())(
  "AAC is a stream of frames at the rate of the voice, and comes before the end",
  async () => {
    const encoder = createAacEncoder();
    const early = await encoder.encode(tone);
    expect(listFrames(early).length).toBeGreaterThan(20);
    const whole = Buffer.concat([early, await encoder.finish()]);
    encoder.dispose();
    const frames = listFrames(whole);
    // MPEG-4, and the table of rates has 24 kHz at 6; one channel.
    const [, , third = 0, fourth = 0] = frames[0] ?? [];
    expect([(third >> 2) & 15, ((third & 1) << 2) | (fourth >> 6)]).toEqual([6, 1]);
    expect(Math.abs((frames.length * SAMPLES_PER_FRAME) / SPEECH_SAMPLE_RATE - SECONDS)).toBeLessThan(0.15);
  },
);

test.skipIf(!isPosix)("a program that fails or ends early fails the speech", async () => {
  for (const script of ["exit 3", "exit 0"]) {
    const encoder = createAacEncoder({ command: await writeProgram(script) });
    await expect(encoder.encode(tone)).rejects.toMatchObject({ code: "engine_failed" });
    encoder.dispose();
  }
  const missing = createAacEncoder({ command: "no-such-program-here" });
  await expect(missing.encode(tone)).rejects.toMatchObject({
    code: "engine_failed",
    cause: { message: "ffmpeg: it can't be started" },
  });
});

test.skipIf(!isPosix)("a program that hangs, or gives no frames, is waited for only so long", async () => {
  for (const script of ["exec sleep 60", "head -c 100 /dev/zero; exec sleep 60"]) {
    const encoder = createAacEncoder({ command: await writeProgram(script), stallMsMax: 300 });
    await expect(encoder.encode(tone)).rejects.toMatchObject({
      cause: { message: "ffmpeg: it gave nothing for 300 ms" },
    });
    encoder.dispose();
  }
});

test.skipIf(!isPosix)("the program is found on the PATH only where it can be run", async () => {
  const command = await writeProgram("exit 0");
  expect(hasAacProgram(["", "/no/such/directory", path.dirname(command)].join(path.delimiter))).toBe(true);
  await chmod(command, 0o644);
  expect(hasAacProgram(path.dirname(command))).toBe(false);
  expect(hasAacProgram("")).toBe(false);
});
