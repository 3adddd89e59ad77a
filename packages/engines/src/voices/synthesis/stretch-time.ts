/**
 * Makes speech faster or slower than its model can, with the same pitch: short overlapping pieces are moved closer
 * together or further apart, each to where it fits the one before best (WSOLA,
 * https://doi.org/10.1109/ICASSP.1993.319366).
 */

/** At 24 kHz: pieces of 30 ms, moved by up to 10 ms. */
const FRAME = 720;
const HOP = FRAME / 2;
const SEARCH = 240;
/** Positions that are tried and samples that are compared: every other one tells as much. */
const STEP = 2;
const WINDOW = Float64Array.from({ length: FRAME }, (_, index) => 0.5 - 0.5 * Math.cos((2 * Math.PI * index) / FRAME));

/** @param speed how many times as fast, above 0. @returns that much shorter or longer, within a piece */
export function stretchTime(samples: Float32Array<ArrayBuffer>, speed: number): Float32Array<ArrayBuffer> {
  if (speed === 1 || samples.length <= FRAME) return samples;
  const length = Math.round(samples.length / speed);
  const stretched = new Float32Array(length + FRAME);
  let natural = 0;
  for (let at = 0; at < length; at += HOP) {
    const wanted = Math.round(at * speed);
    const from = at === 0 ? 0 : findFit(samples, { wanted, natural });
    for (let index = 0; index < FRAME; index += 1) {
      // The first half of the first piece has nothing to overlap with.
      const weight = at === 0 && index < HOP ? 1 : (WINDOW[index] ?? 0);
      stretched[at + index] = (stretched[at + index] ?? 0) + (samples[from + index] ?? 0) * weight;
    }
    natural = from + HOP;
  }
  return stretched.slice(0, length);
}

/** Where near `wanted` the sound goes on most like it does at `natural`. */
function findFit(
  samples: Float32Array,
  { wanted, natural }: { readonly wanted: number; readonly natural: number },
): number {
  const last = Math.max(0, samples.length - FRAME);
  let best = Math.min(wanted, last);
  let bestFit = -Infinity;
  for (let from = Math.max(0, wanted - SEARCH); from <= Math.min(last, wanted + SEARCH); from += STEP) {
    let [product, energy] = [0, 1e-9];
    for (let index = 0; index < HOP; index += STEP) {
      const sample = samples[from + index] ?? 0;
      product += sample * (samples[natural + index] ?? 0);
      energy += sample * sample;
    }
    const fit = product / Math.sqrt(energy);
    if (fit > bestFit) [best, bestFit] = [from, fit];
  }
  return best;
}
