/**
 * The microphone's side of the page `/demo/realtime`: it runs in the browser's audio thread, makes samples of 24 kHz and
 * 16 bits of whatever rate the microphone has, and posts them a tenth of a second at a time. It knows no server.
 */

/** What a realtime session takes. */
const SAMPLE_RATE = 24_000;

/** Samples that are posted at once. */
const BLOCK_SAMPLES = SAMPLE_RATE / 10;

/** Zero crossings of the filter on each side. */
const CROSSINGS = 16;

/** How much of the band passes; the rest is where the filter falls. */
const PASSED_BAND = 0.92;

/** Samples of one rate as samples of another, piece by piece, through a low-pass that keeps what fits into both. */
export class Resampler {
  /** @type {Float32Array[]} a filter for each place that an output sample can have between two input samples */
  #phases = [];
  #inputStep;
  #history;
  /** Where the next output sample lies behind the newest sample of the history, in parts of an input sample. */
  #position;

  /**
   * @param {number} inputRate in Hz, whole
   * @param {number} outputRate in Hz, whole
   */
  constructor(inputRate, outputRate) {
    const divisor = findDivisor(inputRate, outputRate);
    const phaseCount = outputRate / divisor;
    this.#inputStep = inputRate / divisor;
    const cutoff = Math.min(1, outputRate / inputRate) * PASSED_BAND;
    const reach = Math.ceil(CROSSINGS / cutoff);
    for (let phase = 0; phase < phaseCount; phase += 1) this.#phases.push(design({ phase, phaseCount, cutoff, reach }));
    this.#history = new Float32Array(2 * reach);
    this.#position = 0;
  }

  /**
   * @param {Float32Array} input from -1 to 1
   * @returns {Float32Array} what is certain by now; it lags by the reach of the filter
   */
  push(input) {
    const samples = new Float32Array(this.#history.length + input.length);
    samples.set(this.#history);
    samples.set(input, this.#history.length);
    const phaseCount = this.#phases.length;
    const output = [];
    let at = this.#position;
    for (; Math.floor(at / phaseCount) < input.length; at += this.#inputStep) {
      output.push(this.#filter(samples, Math.floor(at / phaseCount), at % phaseCount));
    }
    this.#position = at - input.length * phaseCount;
    this.#history = samples.slice(input.length);
    return Float32Array.from(output);
  }

  /**
   * @param {Float32Array} samples
   * @param {number} start
   * @param {number} phase
   */
  #filter(samples, start, phase) {
    const taps = this.#phases[phase] ?? new Float32Array();
    let sum = 0;
    for (let index = 0; index < taps.length; index += 1) sum += (taps[index] ?? 0) * (samples[start + index] ?? 0);
    return sum;
  }
}

/**
 * A windowed sinc, shifted by a part of a sample.
 *
 * @param {{ phase: number, phaseCount: number, cutoff: number, reach: number }} options
 */
function design({ phase, phaseCount, cutoff, reach }) {
  const taps = Float32Array.from({ length: 2 * reach }, (_, index) => {
    const distance = index - reach + 1 - phase / phaseCount;
    const angle = Math.PI * distance * cutoff;
    const sinc = angle === 0 ? 1 : Math.sin(angle) / angle;
    const window = Math.abs(distance) >= reach ? 0 : Math.cos((Math.PI * distance) / (2 * reach)) ** 2;
    return cutoff * sinc * window;
  });
  // Silence stays silence, and a level a level, in each phase alike.
  const gain = taps.reduce((sum, tap) => sum + tap, 0);
  return taps.map((tap) => tap / gain);
}

/**
 * @param {number} left
 * @param {number} right
 * @returns {number}
 */
function findDivisor(left, right) {
  return right === 0 ? left : findDivisor(right, left % right);
}

/**
 * Gathers samples to blocks of 16 bits.
 *
 * @param {(block: { samples: ArrayBuffer, level: number }) => void} onBlock called with each full block and its loudest
 *   sample, from 0 to 1
 */
export function createBlocks(onBlock) {
  let block = new Int16Array(BLOCK_SAMPLES);
  let filled = 0;
  let level = 0;
  return {
    /** @param {Float32Array} samples */
    push(samples) {
      for (const sample of samples) {
        const clipped = Math.max(-1, Math.min(1, sample));
        level = Math.max(level, Math.abs(clipped));
        block[filled] = Math.round(clipped * 32_767);
        filled += 1;
        if (filled < BLOCK_SAMPLES) continue;
        onBlock({ samples: block.buffer, level });
        block = new Int16Array(BLOCK_SAMPLES);
        filled = 0;
        level = 0;
      }
    },
  };
}

if (typeof registerProcessor === "function") {
  registerProcessor(
    "capture",
    class extends AudioWorkletProcessor {
      #resampler = new Resampler(Math.round(sampleRate), SAMPLE_RATE);
      #blocks = createBlocks((block) => this.port.postMessage(block, [block.samples]));

      /** @param {Float32Array[][]} inputs */
      process([channels]) {
        const samples = channels?.[0];
        if (samples !== undefined) this.#blocks.push(this.#resampler.push(samples));
        return true;
      }
    },
  );
}
