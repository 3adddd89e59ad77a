import { SPEECH_SAMPLE_RATE } from "@openai-compat/core";
import type { SpeechFormat } from "@openai-compat/core";
import { parseBuffer } from "music-metadata";
import { expect, onTestFinished, test, vi } from "vitest";
import { createSpeechEncoder, listMissingEncoders, requireEncoder } from "./speech-encoder.ts";

const SECONDS = 1.5;
const tone = Float32Array.from(
  { length: SPEECH_SAMPLE_RATE * SECONDS },
  (_, index) => 0.4 * Math.sin((2 * Math.PI * 220 * index) / SPEECH_SAMPLE_RATE),
);

async function encode(format: SpeechFormat, pieces: readonly Float32Array<ArrayBuffer>[]): Promise<Buffer> {
  const encoder = await createSpeechEncoder(format);
  const parts: Uint8Array[] = [];
  for (const piece of pieces) parts.push(await encoder.encode(piece));
  parts.push(await encoder.finish());
  encoder.dispose();
  return Buffer.concat(parts);
}

test.each([
  ["mp3", "MPEG", 0.08],
  ["opus", "Ogg", 0.001],
  ["flac", "FLAC", null],
] as const)("%s is a file that others read, as long as the sound", async (format, container, tolerance) => {
  const bytes = await encode(format, [tone.slice(0, 1000), tone.slice(1000, 1001), tone.slice(1001)]);
  const { format: found } = await parseBuffer(bytes, undefined, { duration: true });
  expect(found.container).toContain(container);
  expect(found.numberOfChannels).toBe(1);
  expect(found.sampleRate).toBe(SPEECH_SAMPLE_RATE);
  // The header of a FLAC stream is sent before its length is known.
  if (tolerance !== null) expect(Math.abs((found.duration ?? 0) - SECONDS)).toBeLessThan(tolerance);
});

test.each(["mp3", "opus", "flac", "wav", "pcm"] as const)(
  "%s gives bytes before the end, and in pieces the same length",
  async (format) => {
    const encoder = await createSpeechEncoder(format);
    expect((await encoder.encode(tone)).length).toBeGreaterThan(1000);
    encoder.dispose();
    const whole = await encode(format, [tone]);
    const pieces = await encode(format, [tone.slice(0, 7777), tone.slice(7777)]);
    expect(Math.abs(pieces.length - whole.length)).toBeLessThan(whole.length * 0.05);
  },
);

test("an Ogg page's checksum, sequence and flags are right", async () => {
  const bytes = await encode("opus", [tone]);
  const pages: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    expect(bytes.toString("latin1", at, at + 4)).toBe("OggS");
    const segments = bytes.readUInt8(at + 26);
    const size = 27 + segments + bytes.subarray(at + 27, at + 27 + segments).reduce((sum, length) => sum + length, 0);
    pages.push(bytes.subarray(at, at + size));
    at += size;
  }
  expect(pages.map((page) => page.readUInt32LE(18))).toEqual(pages.map((_, index) => index));
  expect(pages.map((page) => page.readUInt8(5))).toEqual(
    pages.map((_, index) => (index === 0 ? 2 : index === pages.length - 1 ? 4 : 0)),
  );
  for (const page of pages) {
    const copy = Buffer.from(page);
    copy.writeUInt32LE(0, 22);
    expect(page.readUInt32LE(22)).toBe(oggChecksum(copy));
  }
});

/** Bit by bit, as the format defines it. */
function oggChecksum(bytes: Buffer): number {
  let rest = 0;
  for (const byte of bytes) {
    rest ^= byte << 24;
    for (let bit = 0; bit < 8; bit += 1) rest = rest < 0 ? (rest << 1) ^ 0x04c1_1db7 : rest << 1;
  }
  return rest >>> 0;
}

test("loud sounds are cut off at the range of the samples", async () => {
  const bytes = await encode("pcm", [Float32Array.of(2, -2, 0, 1, -1)]);
  const samples = [0, 1, 2, 3, 4].map((index) => bytes.readInt16LE(index * 2));
  expect(samples).toEqual([32_767, -32_768, 0, 32_767, -32_767]);
});

test("a format without an encoder is refused with those that there are", () => {
  vi.stubEnv("PATH", "");
  onTestFinished(() => void vi.unstubAllEnvs());
  expect(listMissingEncoders()).toEqual([{ format: "aac", need: { kind: "program", name: "ffmpeg" } }]);
  expect(() => requireEncoder("aac")).toThrow(
    "The response_format 'aac' is not available: the server lacks the program ffmpeg on its PATH. Available are: mp3, opus, flac, wav, pcm.",
  );
});
