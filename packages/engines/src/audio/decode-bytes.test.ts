import { expect, test } from "vitest";
import { DECODER_PACKAGES } from "./decoder-packages.ts";
import { collectAudio, levelOf } from "./testing/collect-audio.ts";
import { readFixture } from "./testing/read-fixture.ts";
import { sine, toInt16, writeWav } from "./testing/write-wav.ts";
import { writeSilentFlac } from "./testing/write-flac.ts";

const WAV = writeWav(toInt16(sine({ hz: 440, rateHz: 16_000, seconds: 2.5 })));
const join = (...parts: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

/** The encoders of lossy formats change a tone by some percent, and some add silence. */
const FILES = [
  { name: "tone.mp3", format: "mp3", rateHz: 44_100, channels: 2 },
  { name: "tone.mp2", format: "mp3", rateHz: 44_100, channels: 2 },
  { name: "tone.flac", format: "flac", rateHz: 24_000, channels: 1 },
  { name: "tone-flac.oga", format: "ogg flac", rateHz: 24_000, channels: 1 },
  { name: "tone-vorbis.ogg", format: "ogg vorbis", rateHz: 44_100, channels: 2 },
  { name: "tone.opus", format: "ogg opus", rateHz: 48_000, channels: 2 },
  { name: "tone.m4a", format: "mp4", rateHz: 44_100, channels: 2 },
  { name: "tone.webm", format: "webm", rateHz: 48_000, channels: 2 },
];

test.each(FILES)("$name is decoded with its tones, its rate and its channels", async ({ name, ...facts }) => {
  const { start, samples, durationSeconds } = await collectAudio(readFixture(name));
  expect(start).toEqual({ type: "audio-start", ...facts });
  expect(durationSeconds).toBe(samples.length / 16_000);
  expect(durationSeconds).toBeGreaterThan(0.38);
  expect(durationSeconds).toBeLessThan(0.46);
  expect(levelOf(samples, 440)).toBeGreaterThan(0.36);
  expect(levelOf(samples, 440)).toBeLessThan(0.44);
  expect(levelOf(samples, 1000)).toBeGreaterThan(0.08);
  expect(levelOf(samples, 1000)).toBeLessThan(0.12);
  expect(levelOf(samples, 3000)).toBeLessThan(0.01);
});

test("six channels of opus become their mean", async () => {
  const { start, samples } = await collectAudio(readFixture("tone-six-channels.opus"));
  expect(start.channels).toBe(6);
  expect(levelOf(samples, 440)).toBeCloseTo(0.8 / 6, 1);
});

test.each(["tone.opus", "tone-vorbis.ogg", "tone-flac.oga", "tone.mp3"])(
  "two of %s in one file are decoded both",
  async (name) => {
    const one = await collectAudio(readFixture(name));
    const two = await collectAudio(join(readFixture(name), readFixture(name)));
    expect(two.durationSeconds).toBeGreaterThan(1.9 * one.durationSeconds);
  },
);

test("a file's second stream may have another rate", async () => {
  const [opus, second] = [readFixture("tone.opus"), readFixture("tone-six-channels.opus")];
  const { start, durationSeconds } = await collectAudio(join(opus, second));
  expect(start.channels).toBe(2);
  expect(durationSeconds).toBeGreaterThan(0.75);
});

test("samples come in pieces of a second, and the rest", async () => {
  const { samples, durationSeconds } = await collectAudio(WAV);
  expect(samples).toHaveLength(40_000);
  expect(durationSeconds).toBe(2.5);
});

test.each(["tone.mp3", "tone-vorbis.ogg", "tone.opus", "tone.flac", "tone-flac.oga", "tone.webm"])(
  "%s without its last part gives what is there",
  async (name) => {
    // The pages of an Ogg file of this length hold all of its audio; what follows is the same once more. A FLAC file is one alone.
    const bytes = name === "tone.flac" ? readFixture(name) : join(readFixture(name), readFixture(name));
    const whole = await collectAudio(bytes);
    const cut = await collectAudio(bytes.subarray(0, Math.floor(bytes.length * 0.8)));
    expect(cut.durationSeconds).toBeGreaterThan(0.1);
    expect(cut.durationSeconds).toBeLessThan(whole.durationSeconds);
  },
);

test.each(["tone.mp3", "tone-vorbis.ogg", "tone.opus", "tone.flac", "tone-flac.oga", "tone.m4a", "tone.webm"])(
  "the head of %s alone is refused",
  async (name) => {
    await expect(collectAudio(readFixture(name).subarray(0, 60))).rejects.toMatchObject({
      code: expect.stringMatching(/^(invalid_value|unsupported_value)$/),
      param: "file",
    });
  },
);

test("damage within a file costs the damaged part", async () => {
  for (const name of ["tone.mp3", "tone.opus", "tone-vorbis.ogg"]) {
    const bytes = join(readFixture(name), readFixture(name));
    bytes.fill(0x55, bytes.length * 0.7, bytes.length * 0.75);
    expect((await collectAudio(bytes)).durationSeconds).toBeGreaterThan(0.3);
  }
});

test("an empty file is refused", async () => {
  await expect(collectAudio(new Uint8Array(0))).rejects.toMatchObject({
    code: "invalid_value",
    message: expect.stringContaining("empty"),
  });
});

test("what is no audio is refused with the formats that are", async () => {
  await expect(collectAudio(new Uint8Array(Buffer.from("%PDF-1.7 and more")))).rejects.toMatchObject({
    code: "unsupported_value",
    param: "file",
    message: expect.stringContaining("flac, mp3, mp4, mpeg, mpga, m4a, ogg, wav, webm"),
  });
});

test.each([
  ["tone.mp3", "mpg123-decoder"],
  ["tone.opus", "opus-decoder"],
  ["tone-vorbis.ogg", "@wasm-audio-decoders/ogg-vorbis"],
  ["tone.flac", "@wasm-audio-decoders/flac"],
  ["tone.m4a", "audio-decode"],
] as const)("without its decoder, %s is refused with the names of what would decode it", async (name, missing) => {
  const gone = async () =>
    Promise.reject(Object.assign(new Error("Cannot find package"), { code: "ERR_MODULE_NOT_FOUND" }));
  const packages = Object.fromEntries(Object.keys(DECODER_PACKAGES).map((key) => [key, gone]));
  const message = await collectAudio(readFixture(name), { packages }).catch((thrown: unknown) => thrown);
  expect(message).toMatchObject({ code: "unsupported_value", param: "file" });
  expect(String(message)).toContain(`the npm package ${missing}`);
  expect(String(message)).toContain("ffmpeg");
});

test("a decoder that is there and can't be loaded is no missing one", async () => {
  const packages = { "mpg123-decoder": async () => Promise.reject(new Error("out of memory")) };
  await expect(collectAudio(readFixture("tone.mp3"), { packages })).rejects.toMatchObject({ code: "invalid_value" });
});

const LIMITS = [
  {
    limit: "bytesMax",
    limits: { bytesMax: WAV.length - 1 },
    bytes: WAV,
    message: /has 80044 bytes; it may have up to 80043/,
  },
  { limit: "secondsMax", limits: { secondsMax: 2 }, bytes: WAV, message: /longer than 2 seconds/ },
  {
    limit: "secondsMax of mp3",
    limits: { secondsMax: 0.2 },
    bytes: readFixture("tone.mp3"),
    message: /longer than 0.2 seconds/,
  },
  {
    limit: "channelsMax",
    limits: {},
    bytes: writeWav(toInt16(new Float32Array(66)), { channels: 33 }),
    message: /33 channels; it must have from 1 to 32/,
  },
  {
    limit: "channelsMax of opus",
    limits: { channelsMax: 5 },
    bytes: readFixture("tone-six-channels.opus"),
    message: /6 channels/,
  },
  {
    limit: "channelsMax of vorbis",
    limits: { channelsMax: 1 },
    bytes: readFixture("tone-vorbis.ogg"),
    message: /2 channels/,
  },
  {
    limit: "channelsMax of flac",
    limits: { channelsMax: 7 },
    bytes: writeSilentFlac({ frames: 2, channels: 8 }),
    message: /8 channels/,
  },
  {
    limit: "rateHzMin",
    limits: {},
    bytes: writeWav(toInt16([0, 0]), { rateHz: 999 }),
    message: /999 Hz; it must be from 1000 to 384000/,
  },
  { limit: "rateHzMax", limits: {}, bytes: writeWav(toInt16([0, 0]), { rateHz: 384_001 }), message: /384001 Hz/ },
  {
    limit: "samplesPerByteMax",
    limits: {},
    bytes: writeSilentFlac({ frames: 60, channels: 8 }),
    message: /more than 10000 samples for each of its \d+ bytes/,
  },
];

test.each(LIMITS)("a file beyond $limit is refused", async ({ limits, bytes, message }) => {
  await expect(collectAudio(bytes, { limits })).rejects.toMatchObject({
    code: "invalid_value",
    param: "file",
    message: expect.stringMatching(message),
  });
});

test("a file at the limits is decoded", async () => {
  const limits = { bytesMax: WAV.length, secondsMax: 2.5 };
  expect((await collectAudio(WAV, { limits })).durationSeconds).toBe(2.5);
  const { channels } = (await collectAudio(writeWav(toInt16(new Float32Array(640)), { channels: 32, rateHz: 384_000 })))
    .start;
  expect(channels).toBe(32);
});

test("silence in FLAC is decoded, but for a last frame of a few bytes", async () => {
  const { durationSeconds } = await collectAudio(writeSilentFlac({ frames: 20, channels: 1 }));
  expect(durationSeconds).toBeGreaterThanOrEqual((19 * 65_535) / 48_000 - 0.01);
});

test("an abort ends decoding with its reason", async () => {
  const controller = new AbortController();
  const long = writeWav(toInt16(sine({ hz: 440, rateHz: 48_000, seconds: 60 })), { rateHz: 48_000 });
  const decoding = collectAudio(long, { signal: controller.signal });
  setImmediate(() => controller.abort(new Error("not wanted any more")));
  await expect(decoding).rejects.toThrow("not wanted any more");
});

test("decoders write nothing to the console, whatever a file holds", async () => {
  const original = console.error;
  const lines: unknown[] = [];
  console.error = (...words) => void lines.push(words);
  try {
    const bytes = readFixture("tone.flac").fill(0x77, 9000, 9500);
    await collectAudio(bytes).catch(() => {});
    expect(lines).toEqual([]);
  } finally {
    console.error = original;
  }
});
