import { expect, test } from "vitest";
import { createWave } from "../../../testing/create-wave.ts";
import { measureAudio as measureAudioWith } from "./audio-duration.ts";
import { READS_MAX } from "./sliced-tokenizer.ts";

const measurePieces = (pieces: readonly Uint8Array[]) => measureAudioWith(pieces, new AbortController().signal);
const measureAudio = (bytes: Uint8Array) => measurePieces([bytes]);

/** Frames of MPEG 1 layer III, 128 kbit/s, 44.1 kHz: 26 ms and 417 bytes each. */
function createMp3(frames: number): Buffer {
  const frame = Buffer.alloc(417);
  Buffer.from([0xff, 0xfb, 0x90, 0x64]).copy(frame);
  return Buffer.concat(Array.from({ length: frames }, () => frame));
}

/** The same with a first frame that says how many frames there are. */
function createLyingMp3(frames: number, claimedFrames: number): Buffer {
  const bytes = createMp3(frames);
  bytes.write("Xing", 36);
  bytes.writeUInt32BE(1, 40);
  bytes.writeUInt32BE(claimedFrames, 44);
  return bytes;
}

test("an honest recording is charged as long as it is, and held for little more", async () => {
  const { audioMs, audioMsMax } = await measureAudio(createWave({ seconds: 60 }));
  expect(audioMs).toBe(60_000);
  expect(audioMsMax).toBeGreaterThanOrEqual(60_000);
  expect(audioMsMax).toBeLessThan(60_100);
});

test.each([1, 7, 400])("in pieces of %i bytes a recording is as long as in one", async (size) => {
  for (const bytes of [createWave({ seconds: 0.2 }), createMp3(40), createLyingMp3(40, 1)]) {
    const pieces: Uint8Array[] = [];
    for (let start = 0; start < bytes.length; start += size) pieces.push(bytes.subarray(start, start + size));
    expect(await measurePieces(pieces)).toEqual(await measureAudio(bytes));
  }
});

test("a header that says less than the bytes are does not make a recording shorter", async () => {
  const { audioMs, audioMsMax } = await measureAudio(createWave({ seconds: 60, claimedBytes: 320 }));
  expect(audioMsMax).toBeGreaterThanOrEqual(60_000);
  expect(audioMs).toBeGreaterThanOrEqual(59_000);
});

test("a rate that no sound has is not believed", async () => {
  const { audioMs, audioMsMax } = await measureAudio(createWave({ seconds: 60, sampleRate: 2_000_000_000 }));
  expect(audioMsMax).toBeGreaterThanOrEqual(60_000);
  expect(audioMs).toBeGreaterThanOrEqual(60_000);
});

test("compressed sound is held for the most that so many bytes can be", async () => {
  const bytes = createMp3(400);
  const { audioMs, audioMsMax } = await measureAudio(bytes);
  expect(audioMs).toBeGreaterThan(10_000);
  expect(audioMs).toBeLessThan(11_000);
  expect(audioMsMax).toBe(Math.ceil((bytes.length * 8 * 1000) / 6000));
});

test("compressed sound that says that it is short is charged for the fewest bytes that a second takes", async () => {
  const bytes = createLyingMp3(400, 1);
  const { audioMs, audioMsMax } = await measureAudio(bytes);
  expect(audioMs).toBeGreaterThanOrEqual(Math.ceil((bytes.length * 8 * 1000) / 640_000));
  expect(audioMsMax).toBeGreaterThanOrEqual(10_450);
});

test("what no container is can be as long as its bytes allow", async () => {
  const { audioMs, audioMsMax } = await measureAudio(Buffer.alloc(6000));
  expect([audioMs, audioMsMax]).toEqual([8000, 8000]);
});

/** A file of a container whose elements take two to eight bytes, and go on to its end. */
const TINY_ELEMENTS = [
  ["WebM", "1a45dfa39f4286810142f7810142f2810442f381084282847765626d4287810442858102", "ec80"],
  ["MP4", "000000186674797069736f6d0000020069736f6d69736f32", "0000000866726565"],
  ["FLAC", "664c6143", "01000000"],
  ["AIFF", "464f524d7fffffff41494646", "414e4e4f00000000"],
] as const;

test.each(TINY_ELEMENTS)("%s of countless elements lets others go, and is given up", async (_name, head, element) => {
  const body = Buffer.alloc(8 * 1024 * 1024, Buffer.from(element, "hex"));
  const bytes = Buffer.concat([Buffer.from(head, "hex"), body]);
  let turns = 0;
  const timer = setInterval(() => (turns += 1), 1);
  const { audioMs } = await measureAudio(bytes);
  clearInterval(timer);
  expect(audioMs, "the most that so many bytes can be").toBe(Math.ceil((bytes.length * 8000) / 6000));
  expect(turns).toBeGreaterThan(10);
});

test("a client that disconnects ends the measuring", async () => {
  const [, head, element] = TINY_ELEMENTS[0];
  const bytes = Buffer.concat([Buffer.from(head, "hex"), Buffer.alloc(8 * READS_MAX, Buffer.from(element, "hex"))]);
  const disconnect = new AbortController();
  const measuring = measureAudioWith([bytes], disconnect.signal);
  setTimeout(() => disconnect.abort(new Error("gone")), 1);
  await expect(measuring).rejects.toThrow("gone");
});
