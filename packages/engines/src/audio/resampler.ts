/**
 * Converts samples from one rate to another with a windowed-sinc filter in polyphase form, piece by piece: wherever the
 * input is cut, the output is the same to the bit. Frequencies above half of the lower rate are attenuated by 90 dB or
 * more, those below 80 % of it (90 % where the rate rises) pass unchanged.
 */

/**
 * `crossings`: zero crossings of the sinc on either side, of the lower of the two rates. `slope`: the middle of the
 * filter's slope, which ends at half of the lower rate, as a fraction of that. Upwards a steep filter costs little, and
 * a telephone's 8 kHz have no band to spare.
 */
const DOWNWARDS = { crossings: 32, slope: 0.91 };
const UPWARDS = { crossings: 64, slope: 0.955 };

/** Of the Kaiser window: side lobes below -90 dB. */
const KAISER_BETA = 9;

/** Up to this many coefficients there is a row for each phase that occurs. */
const EXACT_COEFFICIENTS_MAX = 1 << 20;

/** Beyond it, rows between which the filter is interpolated linearly: an error of -118 dB. */
const INTERPOLATED_PHASES = 1024;

const BESSEL_I0_OF_BETA = besselI0(KAISER_BETA);

export interface Resampler {
  /** The samples that are certain once these have been added. */
  push(samples: Float32Array): Float32Array;
  /** The rest. Afterwards the resampler is used up. */
  flush(): Float32Array;
}

/** @param rates In Hz, integers. As many samples come out as the input's duration has at the target's rate, rounded. */
export function createResampler(rates: { readonly from: number; readonly to: number }): Resampler {
  if (rates.from === rates.to) return { push: (samples) => samples, flush: () => new Float32Array(0) };
  return new PolyphaseResampler(rates);
}

class PolyphaseResampler implements Resampler {
  /** Output samples for each `#down` input samples, after reduction. */
  readonly #up: number;
  readonly #down: number;
  readonly #filter: PolyphaseFilter;
  /** Input that is still needed; its first sample has the index `#pendingAt` in the padded input. */
  #pending: Float32Array;
  #inputCount = 0;
  /** Of the next output sample: the first input sample that it needs, and how far it is behind that, in 1/up. */
  #at = 0;
  #phase = 0;
  #outputCount = 0;

  constructor({ from, to }: { readonly from: number; readonly to: number }) {
    const divisor = greatestCommonDivisor(from, to);
    this.#up = to / divisor;
    this.#down = from / divisor;
    this.#filter = createFilter(from, to, this.#up);
    this.#pending = new Float32Array(this.#filter.taps / 2 - 1);
  }

  push(samples: Float32Array): Float32Array {
    this.#inputCount += samples.length;
    return this.#run(samples, Number.POSITIVE_INFINITY);
  }

  flush(): Float32Array {
    const total = Math.round((this.#inputCount * this.#up) / this.#down);
    return this.#run(new Float32Array(this.#filter.taps), total - this.#outputCount);
  }

  #run(samples: Float32Array, countMax: number): Float32Array {
    const input = new Float32Array(this.#pending.length + samples.length);
    input.set(this.#pending);
    input.set(samples, this.#pending.length);
    const { taps } = this.#filter;
    const possible = Math.max(
      0,
      Math.floor(((input.length - taps - this.#at) * this.#up - this.#phase) / this.#down) + 1,
    );
    const output = new Float32Array(Math.min(possible, countMax));
    for (let index = 0; index < output.length; index += 1) {
      output[index] = this.#filter.apply(input, this.#at, this.#phase);
      this.#phase += this.#down;
      this.#at += Math.floor(this.#phase / this.#up);
      this.#phase %= this.#up;
    }
    this.#outputCount += output.length;
    const used = Math.min(this.#at, input.length);
    this.#pending = input.slice(used);
    this.#at -= used;
    return output;
  }
}

interface PolyphaseFilter {
  readonly taps: number;
  /** The filter's value with its first tap at `input[at]`, shifted by `phase` / up. */
  apply(input: Float32Array, at: number, phase: number): number;
}

function createFilter(from: number, to: number, up: number): PolyphaseFilter {
  const { crossings, slope } = from < to ? UPWARDS : DOWNWARDS;
  const cutoff = Math.min(1, to / from) * slope;
  const half = Math.ceil(crossings / cutoff / 2) * 2;
  const taps = 2 * half;
  if (up * taps <= EXACT_COEFFICIENTS_MAX) {
    const rows = createRows(up, up, { half, cutoff });
    return { taps, apply: (input, at, phase) => multiply(input, at, { rows, row: phase * taps, taps }) };
  }
  const rows = createRows(INTERPOLATED_PHASES + 1, INTERPOLATED_PHASES, { half, cutoff });
  return {
    taps,
    apply(input, at, phase) {
      const position = (phase * INTERPOLATED_PHASES) / up;
      const row = Math.floor(position);
      const below = multiply(input, at, { rows, row: row * taps, taps });
      const above = multiply(input, at, { rows, row: (row + 1) * taps, taps });
      return below + (position - row) * (above - below);
    },
  };
}

/** Four sums side by side: the processor adds them at the same time. `taps` is a multiple of four. */
function multiply(
  input: Float32Array,
  at: number,
  { rows, row, taps }: { readonly rows: Float32Array; readonly row: number; readonly taps: number },
): number {
  let [first, second, third, fourth] = [0, 0, 0, 0];
  for (let tap = 0; tap < taps; tap += 4) {
    first += (input[at + tap] ?? 0) * (rows[row + tap] ?? 0);
    second += (input[at + tap + 1] ?? 0) * (rows[row + tap + 1] ?? 0);
    third += (input[at + tap + 2] ?? 0) * (rows[row + tap + 2] ?? 0);
    fourth += (input[at + tap + 3] ?? 0) * (rows[row + tap + 3] ?? 0);
  }
  return first + second + (third + fourth);
}

/** The filter's coefficients, phase by phase; those of a phase sum to one, so that a constant stays itself. */
function createRows(
  count: number,
  phases: number,
  { half, cutoff }: { readonly half: number; readonly cutoff: number },
): Float32Array {
  const taps = 2 * half;
  const rows = new Float32Array(count * taps);
  const row = new Float64Array(taps);
  for (let phase = 0; phase < count; phase += 1) {
    let sum = 0;
    for (let tap = 0; tap < taps; tap += 1) {
      const distance = tap - half + 1 - phase / phases;
      const coefficient = sinc(distance * cutoff) * kaiser(distance / half);
      row[tap] = coefficient;
      sum += coefficient;
    }
    for (let tap = 0; tap < taps; tap += 1) rows[phase * taps + tap] = (row[tap] ?? 0) / sum;
  }
  return rows;
}

function sinc(position: number): number {
  return position === 0 ? 1 : Math.sin(Math.PI * position) / (Math.PI * position);
}

/** @param position From -1 to 1 within the window. */
function kaiser(position: number): number {
  if (Math.abs(position) >= 1) return 0;
  return besselI0(KAISER_BETA * Math.sqrt(1 - position * position)) / BESSEL_I0_OF_BETA;
}

/** The modified Bessel function of order zero, by its power series. */
function besselI0(value: number): number {
  let sum = 1;
  let term = 1;
  for (let order = 1; term > sum * 1e-12; order += 1) {
    term *= (value / 2 / order) ** 2;
    sum += term;
  }
  return sum;
}

function greatestCommonDivisor(left: number, right: number): number {
  return right === 0 ? left : greatestCommonDivisor(right, left % right);
}
