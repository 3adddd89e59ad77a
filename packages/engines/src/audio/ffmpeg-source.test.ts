/** A script stands in for ffmpeg; a real one is tried where the machine has it. */

import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { collectAudio, levelOf } from "./testing/collect-audio.ts";
import { readFixture } from "./testing/read-fixture.ts";
import { sine, toInt16, writeWav } from "./testing/write-wav.ts";

const folder = mkdtempSync(path.join(tmpdir(), "ffmpeg-source-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A program that Node.js runs with `args`, `input` (what it was given) and `output` (its WAV stream). */
function fakeFfmpeg(name: string, body: string): string {
  const file = path.join(folder, name);
  const wav = path.join(folder, "output.wav");
  const stereo = sine({ hz: 440, rateHz: 44_100, seconds: 1 });
  const samples = toInt16([...stereo].flatMap((sample) => [sample, sample]));
  writeFileSync(wav, writeWav(samples, { channels: 2, rateHz: 44_100, claimedBytes: 0xffffffff }));
  const head = `#!${process.execPath}
    const { readFileSync, writeFileSync } = require("node:fs");
    const args = process.argv.slice(2);
    const input = readFileSync(args[args.indexOf("-i") + 1]);
    const output = readFileSync(${JSON.stringify(wav)});
    const say = (value) => writeFileSync(${JSON.stringify(`${file}.said`)}, JSON.stringify(value));
  `;
  writeFileSync(file, head + body);
  chmodSync(file, 0o755);
  return file;
}

const said = (command: string): unknown => JSON.parse(readFileSync(`${command}.said`, "utf8"));
const uploads = () => readdirSync(tmpdir()).filter((name) => name.startsWith("openai-compat-audio-"));

test("ffmpeg gets the file, the container and nothing else to open, and its WAV stream is decoded", async () => {
  const command = fakeFfmpeg("plain", `say({ args, bytes: input.length }); process.stdout.write(output);`);
  const m4a = readFixture("tone.m4a");
  const { start, samples } = await collectAudio(m4a, { ffmpegCommand: command });
  expect(start).toEqual({ type: "audio-start", format: "mp4", rateHz: 44_100, channels: 2 });
  expect(samples).toHaveLength(16_000);
  expect(levelOf(samples, 440)).toBeCloseTo(0.5, 2);
  expect(said(command)).toMatchObject({ bytes: m4a.length });
  const { args } = said(command) as { args: string[] };
  expect(args.slice(args.indexOf("-f"), args.indexOf("-i"))).toEqual(["-f", "mov"]);
  expect(args).toEqual(expect.arrayContaining(["-nostdin", "-protocol_whitelist", "file,pipe", "-timelimit", "300"]));
});

test("the stream may come in pieces of any length", async () => {
  const command = fakeFfmpeg(
    "pieces",
    `(async () => {
      for (let at = 0, size = 1; at < output.length; at += size, size = (size * 7) % 30011 + 1) {
        process.stdout.write(output.subarray(at, at + size));
        if (at < 100) await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();`,
  );
  const whole = await collectAudio(readFixture("tone.m4a"), {
    ffmpegCommand: fakeFfmpeg("whole", "process.stdout.write(output);"),
  });
  const pieces = await collectAudio(readFixture("tone.m4a"), { ffmpegCommand: command });
  expect(pieces.samples).toEqual(whole.samples);
});

test.each([
  ["exits without output", "process.exit(1);"],
  ["writes what is no WAV stream", `process.stdout.write("no data at all".repeat(100));`],
  [
    "writes a header without end",
    `process.stdout.write(Buffer.concat([Buffer.from("RIFF"), Buffer.alloc(1_000_000)]));`,
  ],
  ["is killed", `process.kill(process.pid, "SIGSEGV");`],
])("where ffmpeg %s, the file is refused", async (name, body) => {
  const ffmpegCommand = fakeFfmpeg(name.replaceAll(" ", "-"), body);
  await expect(collectAudio(readFixture("tone.m4a"), { ffmpegCommand })).rejects.toMatchObject({
    code: "invalid_value",
    message: "The audio file could not be decoded: as mp4, no audio was found in it.",
  });
});

test("what ffmpeg gave before it failed is kept", async () => {
  const command = fakeFfmpeg("half", "process.stdout.write(output.subarray(0, 88200), () => process.exit(1));");
  const { durationSeconds } = await collectAudio(readFixture("tone.m4a"), { ffmpegCommand: command });
  expect(durationSeconds).toBeCloseTo(0.5, 2);
});

test("an abort kills ffmpeg, and no upload is left on the disk", async () => {
  const before = uploads();
  const command = fakeFfmpeg("hangs", "say(process.pid); setInterval(() => {}, 1000);");
  const controller = new AbortController();
  const decoding = collectAudio(readFixture("tone.m4a"), { ffmpegCommand: command, signal: controller.signal });
  const poll = setInterval(() => {
    if (existsSync(`${command}.said`)) controller.abort(new Error("not wanted any more"));
  }, 20);
  await expect(decoding).rejects.toThrow("not wanted any more");
  clearInterval(poll);
  const pid = Number(said(command));
  await expect.poll(() => isAlive(pid), { timeout: 20_000 }).toBe(false);
  expect(uploads()).toEqual(before);
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test("a limit ends ffmpeg too", async () => {
  const command = fakeFfmpeg(
    "endless",
    "say(process.pid); process.stdout.on('error', () => {}); setInterval(() => process.stdout.write(output), 1);",
  );
  const decoding = collectAudio(readFixture("tone.m4a"), { ffmpegCommand: command, limits: { secondsMax: 3 } });
  await expect(decoding).rejects.toMatchObject({ message: expect.stringContaining("longer than 3 seconds") });
  await expect.poll(() => isAlive(Number(said(command))), { timeout: 20_000 }).toBe(false);
});

const hasFfmpeg = spawnSync("ffmpeg", ["-version"]).status === 0;

test.for(["tone.m4a", "tone.webm"])("a real ffmpeg decodes %s", async (name, { skip }) => {
  skip(!hasFfmpeg, "there is no ffmpeg on the PATH");
  const { samples } = await collectAudio(readFixture(name), { ffmpegCommand: "ffmpeg" });
  expect(levelOf(samples, 440)).toBeCloseTo(0.4, 1);
});
