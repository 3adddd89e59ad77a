import { setTimeout as wait } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { createAudioDecoder } from "./audio-decoder.ts";
import type { AudioDecoderSettings } from "./audio-decoder.ts";
import type { AudioEvent, DecodedEvent } from "./audio-events.ts";
import { decodeAudio } from "./index.ts";
import { collectAudio, foldAudio, levelOf } from "./testing/collect-audio.ts";
import { readFixture } from "./testing/read-fixture.ts";
import { toInt16, writeWav } from "./testing/write-wav.ts";

const never = new AbortController().signal;
const FAULTY = new URL("./testing/faulty-decoder-child.ts", import.meta.url);

function open(settings: AudioDecoderSettings = {}) {
  const decoder = createAudioDecoder(settings);
  onTestFinished(() => decoder.close());
  return decoder;
}

const openFaulty = (settings: AudioDecoderSettings = {}) => open({ entry: FAULTY, processesMax: 1, ...settings });

/** As the faulty decoder writes them. */
const readValue = ([high = 0, low = 0]: Int16Array) => high * 32_768 + low;

/** What a faulty decoder gave: its process and how many files that had. */
async function run(decoder: ReturnType<typeof open>, order: string, signal = never) {
  const values: number[] = [];
  for await (const event of decoder.decode([Buffer.from(order)], signal)) {
    if (event.type === "audio-samples") values.push(readValue(event.samples));
  }
  return { pid: values[0], files: values.at(-1), values };
}

async function* toFloats(events: AsyncIterable<DecodedEvent>): AsyncGenerator<AudioEvent> {
  for await (const event of events) {
    if (event.type !== "audio-samples") yield event;
    else yield { ...event, samples: Float32Array.from(event.samples, (sample) => sample / 32_768) };
  }
}

/** Anywhere. */
const cut = (file: Uint8Array) => [file.subarray(0, 1), file.subarray(1, 1000), file.subarray(1000)];

test("a file is decoded in a process as it is decoded in this one", async () => {
  const decoder = open();
  for (const name of ["tone.mp3", "tone.opus", "tone-vorbis.ogg", "tone.flac", "tone.webm"]) {
    const { samples, ...here } = await collectAudio(readFixture(name));
    const there = await foldAudio(toFloats(decoder.decode(cut(readFixture(name)), never)));
    expect(there).toMatchObject(here);
    expect(there.samples).toHaveLength(samples.length);
    const mostOff = samples.reduce(
      (most, sample, at) => Math.max(most, Math.abs(sample - (there.samples[at] ?? 9))),
      0,
    );
    expect(mostOff).toBeLessThanOrEqual(0.5 / 32_768);
  }
});

test("the samples alone are to be had from the decoder that all engines share", async () => {
  const samples: number[] = [];
  for await (const piece of decodeAudio([readFixture("tone.opus")], never)) {
    for (const sample of piece) samples.push(sample / 32_768);
  }
  expect(levelOf(Float32Array.from(samples), 440)).toBeCloseTo(0.4, 1);
});

test("a refusal crosses with its code and its field", async () => {
  const decoder = open();
  const text = new Uint8Array(Buffer.from("no audio"));
  await expect(foldAudio(toFloats(decoder.decode([text], never)))).rejects.toMatchObject({
    code: "unsupported_value",
    param: "file",
  });
  const long = writeWav(toInt16(new Float32Array(32_000)));
  const strict = open({ limits: { secondsMax: 1 } });
  await expect(foldAudio(toFloats(strict.decode([long], never)))).rejects.toMatchObject({
    code: "invalid_value",
    param: "file",
  });
});

test("a file that is too large is refused before a process is started", async () => {
  const decoder = openFaulty({ limits: { bytesMax: 3 }, entry: new URL("./no-such-module.ts", import.meta.url) });
  await expect(run(decoder, "four")).rejects.toMatchObject({
    code: "invalid_value",
    message: expect.stringContaining("up to 3"),
  });
});

test("a process is kept for the next file, and ends when none comes", async () => {
  const decoder = openFaulty({ idleMsMax: 300 });
  const first = await run(decoder, "");
  const second = await run(decoder, "");
  expect(second).toMatchObject({ pid: first.pid, files: 2 });
  await expect.poll(() => isAlive(first.pid), { timeout: 20_000 }).toBe(false);
  expect((await run(decoder, "")).files).toBe(1);
});

test("files beyond the number of processes wait, each for one of its own", async () => {
  const decoder = openFaulty({ processesMax: 2 });
  const results = await Promise.all(["slow", "slow", "", ""].map((order) => run(decoder, order)));
  expect(new Set(results.map(({ pid }) => pid)).size).toBe(2);
  expect(results.every(({ values }) => values.length >= 2)).toBe(true);
});

test("a file that waits too long for a process is refused for now", async () => {
  const decoder = openFaulty({ waitMsMax: 100 });
  const controller = new AbortController();
  const running = run(decoder, "wait", controller.signal);
  await expect(run(decoder, "")).rejects.toMatchObject({ code: "queue_timeout" });
  controller.abort(new Error("enough"));
  await expect(running).rejects.toThrow("enough");
});

test("a file that blocks its process is refused, and the next one is decoded", async () => {
  const decoder = openFaulty({ limits: { stallMsMax: 4000 } });
  const { pid } = await run(decoder, "");
  await expect(run(decoder, "hang")).rejects.toMatchObject({
    code: "invalid_value",
    param: "file",
    message: "The audio file could not be decoded within 4000 ms.",
  });
  await expect.poll(() => isAlive(pid), { timeout: 20_000 }).toBe(false);
  expect((await run(decoder, "")).files).toBe(1);
});

test("a file that takes too long altogether is refused", async () => {
  const decoder = openFaulty({ limits: { workMsMax: 300 } });
  await expect(run(decoder, "slow")).rejects.toMatchObject({
    code: "invalid_value",
    message: expect.stringContaining("within 300 ms"),
  });
});

test("the time in which the consumer does something else doesn't count", async () => {
  let nowMs = 0;
  const decoder = openFaulty({ limits: { workMsMax: 1000 }, clock: { nowMs: () => nowMs, after: () => () => {} } });
  let last = "";
  for await (const event of decoder.decode([], never)) {
    nowMs += 10_000;
    last = event.type;
  }
  expect(last).toBe("audio-end");
});

test("a file that ends its process is refused after a second try", async () => {
  const decoder = openFaulty();
  await expect(run(decoder, "crash")).rejects.toMatchObject({
    code: "invalid_value",
    param: "file",
    message: expect.stringContaining("its decoder fails"),
  });
  expect((await run(decoder, "")).files).toBe(1);
});

test("a second try has only the time that the first one left", async () => {
  const decoder = openFaulty({ limits: { stallMsMax: 6000 } });
  await run(decoder, "");
  const began = performance.now();
  await expect(run(decoder, "crash-late")).rejects.toMatchObject({
    message: expect.stringContaining("within 6000 ms"),
  });
  // Twice four seconds would be eight.
  expect(performance.now() - began).toBeGreaterThan(5900);
});

test("a process that takes too much memory is killed", async () => {
  const decoder = openFaulty({ limits: { memoryBytesMax: 300_000_000 } });
  await expect(run(decoder, "grow")).rejects.toMatchObject({
    code: "invalid_value",
    message: expect.stringContaining("its decoder fails"),
  });
}, 120_000);

test("a file whose process is killed from outside is decoded once more, and nothing comes twice", async () => {
  const decoder = openFaulty();
  const { pid } = await run(decoder, "");
  const values: number[] = [];
  for await (const event of decoder.decode([Buffer.from("slow")], never)) {
    if (event.type !== "audio-samples") continue;
    values.push(readValue(event.samples));
    if (values.length === 20 && pid !== undefined) process.kill(pid, "SIGKILL");
  }
  expect(values.slice(1, -1)).toEqual(Array.from({ length: 100 }, (_, index) => index));
});

test("an abort and leaving early end the work and keep the process", async () => {
  const decoder = openFaulty();
  const { pid } = await run(decoder, "");
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error("not wanted any more")), 100);
  await expect(run(decoder, "slow", controller.signal)).rejects.toThrow("not wanted any more");
  for await (const event of decoder.decode([Buffer.from("slow")], never)) {
    if (event.type === "audio-samples") break;
  }
  expect(await run(decoder, "")).toMatchObject({ pid, files: 4 });
});

test("a file whose sending ends early leaves nothing in front of the next one", async () => {
  const decoder = openFaulty();
  const first = await run(decoder, "");
  const controller = new AbortController();
  // More than a pipe holds: the rest is still to be written when the first piece has been.
  const pieces = Array.from({ length: 20 }, () => Buffer.alloc(1_000_000, "slow"));
  const running = foldAudio(toFloats(decoder.decode(pieces, controller.signal)));
  const reason = new Error("not wanted any more");
  setImmediate(() => controller.abort(reason));
  await expect(running).rejects.toBe(reason);
  const second = await run(decoder, "");
  expect(second.files).toBe(1);
  expect(second.pid).not.toBe(first.pid);
});

test("closing waits for the file that is decoded, and leaves no process", async () => {
  const decoder = openFaulty();
  const running = run(decoder, "slow");
  await wait(500);
  await decoder.close();
  const { pid, values } = await running;
  expect(values).toHaveLength(102);
  expect(isAlive(pid)).toBe(false);
});

function isAlive(pid: number | undefined): boolean {
  if (pid === undefined) throw new Error("There is no process.");
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
