import { expect, test } from "vitest";
import { stretchTime } from "./stretch-time.ts";

const RATE = 24_000;
const HZ = 200;
const tone = Float32Array.from({ length: RATE }, (_, index) => 0.5 * Math.sin((2 * Math.PI * HZ * index) / RATE));

function countCycles(samples: Float32Array): number {
  let cycles = 0;
  for (let index = 1; index < samples.length; index += 1) {
    if ((samples[index - 1] ?? 0) < 0 && (samples[index] ?? 0) >= 0) cycles += 1;
  }
  return cycles;
}

test.each([0.5, 0.8, 1.5, 2])("at speed %d the length changes, and neither the pitch nor the loudness", (speed) => {
  const stretched = stretchTime(tone, speed);
  expect(stretched.length).toBe(Math.round(tone.length / speed));
  const seconds = stretched.length / RATE;
  expect(Math.abs(countCycles(stretched) / seconds - HZ)).toBeLessThan(HZ * 0.03);
  const middle = stretched.subarray(2000, -2000);
  const power = middle.reduce((sum, sample) => sum + sample * sample, 0) / middle.length;
  expect(Math.sqrt(power)).toBeGreaterThan(0.5 * Math.SQRT1_2 * 0.85);
  expect(Math.sqrt(power)).toBeLessThan(0.5 * Math.SQRT1_2 * 1.15);
});

test("at speed 1 nothing changes, and a sound shorter than a piece stays as it is", () => {
  expect(stretchTime(tone, 1)).toBe(tone);
  const short = tone.slice(0, 100);
  expect(stretchTime(short, 2)).toBe(short);
});
