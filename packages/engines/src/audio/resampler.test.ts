import fc from "fast-check";
import { expect, test } from "vitest";
import { createResampler } from "./resampler.ts";
import { sine } from "./testing/write-wav.ts";

function resample(samples: Float32Array, rates: { from: number; to: number }): Float32Array {
  const resampler = createResampler(rates);
  return Float32Array.from([...resampler.push(samples), ...resampler.flush()]);
}

/** Decibels of the middle of the samples, relative to a sine of half of the full scale. */
function decibels(samples: Float32Array): number {
  const middle = samples.subarray(Math.floor(samples.length * 0.2), Math.floor(samples.length * 0.8));
  const power = middle.reduce((sum, sample) => sum + sample * sample, 0) / middle.length;
  return 10 * Math.log10(power / 0.125 + 1e-30);
}

const RATES = [8000, 11_025, 22_050, 24_000, 44_100, 44_101, 48_000, 96_000, 192_000, 383_999, 384_000];

test.each(RATES.filter((rate) => rate > 16_000))("no tone above 8 kHz is left of %i Hz: at most -90 dB", (from) => {
  for (const hz of [8010, 8300, 9000, 10_000, 11_000, 15_000, 20_000, 40_000, 150_000]) {
    if (hz >= from / 2) continue;
    expect(decibels(resample(sine({ hz, rateHz: from, seconds: 0.5 }), { from, to: 16_000 })), `${hz} Hz`).toBeLessThan(
      -90,
    );
  }
});

test.each(RATES)("tones up to 80 % of the lower band, 90 % of a rising one, pass unchanged from %i Hz", (from) => {
  const edge = Math.min(from, 16_000) / 2;
  for (const part of [0.02, 0.1, 0.3, 0.5, 0.7, 0.8, from < 16_000 ? 0.9 : 0.8]) {
    const hz = Math.round(edge * part);
    const level = decibels(resample(sine({ hz, rateHz: from, seconds: 0.5 }), { from, to: 16_000 }));
    expect(Math.abs(level), `${hz} Hz`).toBeLessThan(0.1);
  }
});

test.each(RATES.filter((rate) => rate < 16_000))("the mirror images of %i Hz are at most -90 dB", (from) => {
  const tone = resample(sine({ hz: 1000, rateHz: from, seconds: 1 }), { from, to: 16_000 });
  const clean = sine({ hz: 1000, rateHz: 16_000, seconds: 1 });
  const rest = Float32Array.from(tone, (sample, index) => sample - (clean[index] ?? 0));
  expect(decibels(rest)).toBeLessThan(-90);
});

test("a tone comes out at its own time, and a constant as itself", () => {
  for (const from of RATES) {
    const tone = resample(sine({ hz: 440, rateHz: from, seconds: 0.5 }), { from, to: 16_000 });
    const clean = sine({ hz: 440, rateHz: 16_000, seconds: 0.5 });
    for (let index = 2000; index < 6000; index += 1) expect(tone[index]).toBeCloseTo(clean[index] ?? 0, 3);
    const constant = resample(new Float32Array(from).fill(0.5), { from, to: 16_000 });
    expect(constant[8000]).toBeCloseTo(0.5, 5);
  }
});

test("wherever the input is cut, the output is the same to the bit", () => {
  const rates = fc.constantFrom(1000, 1234, 4000, 8000, 11_025, 16_000, 22_050, 44_100, 44_101, 48_000, 96_000);
  const noise = fc.array(fc.float({ min: -1, max: 1, noNaN: true }), { maxLength: 3000 });
  fc.assert(
    fc.property(rates, noise, fc.array(fc.nat(700), { maxLength: 12 }), (from, values, cuts) => {
      const samples = Float32Array.from(values);
      const whole = resample(samples, { from, to: 16_000 });
      const resampler = createResampler({ from, to: 16_000 });
      const pieces: number[] = [];
      let at = 0;
      for (const length of cuts) {
        pieces.push(...resampler.push(samples.slice(at, at + length)));
        at += length;
      }
      pieces.push(...resampler.push(samples.slice(at)), ...resampler.flush());
      expect(Float32Array.from(pieces)).toEqual(whole);
    }),
    { numRuns: 60 },
  );
});

test("as many samples come out as the duration has at the new rate", () => {
  for (const from of RATES) {
    for (const length of [0, 1, 2, 100, 12_345]) {
      const out = resample(new Float32Array(length), { from, to: 16_000 });
      expect(out.length, `${length} at ${from} Hz`).toBe(Math.round((length * 16_000) / from));
    }
  }
});
