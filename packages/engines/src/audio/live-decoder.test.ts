import fc from "fast-check";
import { expect, test } from "vitest";
import { createLiveDecoder } from "./live-decoder.ts";

/** A second of a tone, as 16-bit samples of 24 kHz. */
const TONE = Int16Array.from({ length: 24_000 }, (_, index) => Math.round(10_000 * Math.sin((index * Math.PI) / 30)));
const PCM = new Uint8Array(TONE.buffer);

function decodePieces(bytes: Uint8Array, cuts: readonly number[]): number[] {
  const decoder = createLiveDecoder("pcm");
  const samples: number[] = [];
  let at = 0;
  for (const length of cuts) {
    samples.push(...decoder.push(bytes.subarray(at, at + length)));
    at += length;
  }
  samples.push(...decoder.push(bytes.subarray(at)), ...decoder.flush());
  return samples;
}

test("samples of 24 kHz become samples of 16 kHz, the same wherever the bytes are cut", () => {
  const whole = decodePieces(PCM, []);
  expect(whole).toHaveLength(16_000);
  for (const index of [1000, 7777, 12_345]) {
    expect(Math.abs((whole[index] ?? 0) - 10_000 * Math.sin((index * Math.PI) / 20))).toBeLessThan(30);
  }
  const short = PCM.subarray(0, 4800);
  const expected = decodePieces(short, []);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 999 }), { maxLength: 8 }), (cuts) => {
      expect(decodePieces(short, cuts)).toEqual(expected);
    }),
    { numRuns: 50 },
  );
});

test.each([
  ["pcmu", 0xff, 0x80],
  ["pcma", 0xd5, 0xaa],
] as const)("%s has two samples of 16 kHz for each byte", (format, silent, loud) => {
  const decoder = createLiveDecoder(format);
  const quiet = [...decoder.push(new Uint8Array(800).fill(silent)), ...decoder.flush()];
  expect(quiet).toHaveLength(1600);
  expect(Math.max(...quiet.map(Math.abs))).toBeLessThan(20);
  const noisy = [...decoder.push(new Uint8Array(800).fill(loud)), ...decoder.flush()];
  expect(Math.max(...noisy.map(Math.abs))).toBeGreaterThan(25_000);
});

test("a flush gives what has come, and what comes then follows without a gap in time", () => {
  const decoder = createLiveDecoder("pcm");
  let count = 0;
  for (let round = 0; round < 10; round += 1) {
    count += decoder.push(PCM.subarray(0, 2400)).length + decoder.flush().length;
  }
  expect(count).toBe(8000);
});

test("the loudest samples stay in range", () => {
  const square = Int16Array.from({ length: 2400 }, (_, index) => (index % 20 < 10 ? 32_767 : -32_768));
  const decoder = createLiveDecoder("pcm");
  const samples = [...decoder.push(new Uint8Array(square.buffer)), ...decoder.flush()];
  expect(samples.every((sample) => Math.abs(sample) <= 32_768)).toBe(true);
  expect(samples.some((sample) => sample > 30_000)).toBe(true);
});
