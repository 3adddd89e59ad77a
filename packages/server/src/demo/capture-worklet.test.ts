import { expect, test } from "vitest";
import { createBlocks, Resampler } from "./capture-worklet.js";

const OUTPUT_RATE = 24_000;

function tone(hz: number, rate: number): Float32Array {
  return Float32Array.from({ length: rate }, (_, index) => 0.5 * Math.sin((2 * Math.PI * hz * index) / rate));
}

/** In the pieces of 128 samples that a browser hands over. */
function resample(samples: Float32Array, inputRate: number): Float32Array {
  const resampler = new Resampler(inputRate, OUTPUT_RATE);
  const output: number[] = [];
  for (let at = 0; at < samples.length; at += 128) output.push(...resampler.push(samples.slice(at, at + 128)));
  return Float32Array.from(output);
}

/** The amplitude of one frequency, away from the edges. */
function amplitude(samples: Float32Array, hz: number): number {
  const middle = samples.slice(2400, 2400 + 19_200);
  let sine = 0;
  let cosine = 0;
  for (const [index, sample] of middle.entries()) {
    const angle = (2 * Math.PI * hz * index) / OUTPUT_RATE;
    sine += sample * Math.sin(angle);
    cosine += sample * Math.cos(angle);
  }
  return (2 * Math.hypot(sine, cosine)) / middle.length;
}

test.each([8000, 16_000, 22_050, 24_000, 44_100, 48_000, 96_000])("a second of %i Hz lasts a second", (rate) => {
  const output = resample(tone(1000, rate), rate);
  expect(Math.abs(output.length - OUTPUT_RATE)).toBeLessThan(10);
  expect(amplitude(output, 1000)).toBeCloseTo(0.5, 2);
});

test.each([44_100, 48_000, 96_000])("of %i Hz, what is too high for 24 kHz is left out", (rate) => {
  // It would come back as 9,000 Hz.
  expect(amplitude(resample(tone(15_000, rate), rate), 9000)).toBeLessThan(0.001);
  expect(amplitude(resample(tone(10_000, rate), rate), 10_000)).toBeCloseTo(0.5, 1);
});

test("a constant level stays as it is, at any place between two samples", () => {
  const level = resample(new Float32Array(44_100).fill(0.25), 44_100).slice(1000, 20_000);
  expect(Math.max(...level.map((sample) => Math.abs(sample - 0.25)))).toBeLessThan(1e-5);
});

test("samples are posted a tenth of a second at a time, as 16 bits within their range, with their level", () => {
  const blocks: { samples: number[]; level: number }[] = [];
  const { push } = createBlocks(({ samples, level }) => blocks.push({ samples: [...new Int16Array(samples)], level }));
  push(Float32Array.from({ length: 2399 }, () => -0.5));
  expect(blocks).toEqual([]);
  push(Float32Array.of(2, -2, 0));
  expect(blocks).toHaveLength(1);
  expect(blocks[0]?.level).toBe(1);
  expect(blocks[0]?.samples.slice(-2)).toEqual([-16_383, 32_767]);
  push(new Float32Array(2398));
  expect(blocks[1]).toMatchObject({ level: 1 });
  expect(blocks[1]?.samples.slice(0, 2)).toEqual([-32_767, 0]);
});
