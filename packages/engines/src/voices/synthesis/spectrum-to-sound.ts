/**
 * Makes sound of what the model of hibari says: for each frame of 12.5 ms a spectrum in five parts. A pulse train at the
 * pitch is filtered by the first two, noise is shaped by the third, and the last two are added as they are.
 *
 * A port of the signal processing of hibari-tts (Apache-2.0, https://github.com/MMWilliams/hibari).
 */

import { createFourier } from "./fourier.ts";

export interface Spectrum {
  /** Logarithm and turn of the filter on the pulses; one row for each frequency, one column for each frame. */
  readonly lh: Float32Array;
  readonly theta: Float32Array;
  /** Logarithm of the noise. */
  readonly ln: Float32Array;
  /** Logarithm and angle of the rest. */
  readonly lr: Float32Array;
  readonly phi: Float32Array;
  /** The pitch of each frame in Hz; below `PITCH_MIN` there is none. */
  readonly f0: Float32Array;
}

const RATE = 24_000;
const WINDOW = 1200;
const HOP = 300;
/** Frequencies of a frame. */
export const SPECTRUM_BINS = WINDOW / 2 + 1;
const PITCH_MIN = 40;
const HARMONICS_HZ_MAX = 11_000;
const LOGARITHM_MAX = 7;

const FOURIER = createFourier(WINDOW);
const HANN = Float64Array.from({ length: WINDOW }, (_, index) => 0.5 - 0.5 * Math.cos((2 * Math.PI * index) / WINDOW));

/** @returns the samples, 300 for each frame */
export function renderSpectrum(spectrum: Spectrum, random: () => number): Float32Array<ArrayBuffer> {
  const frames = spectrum.f0.length;
  const pulses = renderPulses(spectrum.f0);
  const sound = new Float64Array((frames + WINDOW / HOP) * HOP);
  const gains = new Float64Array(sound.length);
  const gauss = createGauss(random);
  const [real, imaginary] = [new Float64Array(WINDOW), new Float64Array(WINDOW)];
  // Two frames at once: one in the real part, one in the imaginary.
  for (let frame = 0; frame < frames; frame += 2) {
    const isPair = frame + 1 < frames;
    loadFrames({ pulses, frame, isPair }, real, imaginary);
    FOURIER.transform(real, imaginary, "forward");
    shapeFrames(spectrum, { frame, isPair, gauss }, { real, imaginary });
    FOURIER.transform(real, imaginary, "backward");
    addFrame({ sound, gains, frame }, real);
    if (isPair) addFrame({ sound, gains, frame: frame + 1 }, imaginary);
  }
  return Float32Array.from({ length: frames * HOP }, (_, index) => {
    const at = index + WINDOW / 2;
    return (sound[at] ?? 0) / Math.max(gains[at] ?? 0, 1e-11);
  });
}

/** All harmonics below 11 kHz with the same strength, which is a closed form. */
function renderPulses(pitches: Float32Array): Float32Array {
  const frames = pitches.length;
  const pulses = new Float32Array(frames * HOP);
  const at = (frame: number): number => pitches[Math.max(0, Math.min(frames - 1, frame))] ?? 0;
  let phase = 0;
  for (let index = 0; index < pulses.length; index += 1) {
    const position = (index + 0.5) / HOP - 0.5;
    const frame = Math.floor(position);
    const share = position - frame;
    const raw = at(frame) * (1 - share) + at(frame + 1) * share;
    const pitch = Math.max(raw, PITCH_MIN);
    phase = (phase + pitch / RATE) % 1;
    if (raw <= PITCH_MIN) continue;
    const angle = 2 * Math.PI * phase;
    const order = Math.floor(HARMONICS_HZ_MAX / pitch) + 0.5;
    const divisor = 2 * Math.sin(angle / 2);
    pulses[index] = (Math.abs(divisor) <= 2e-3 ? order : Math.sin(order * angle) / divisor) - 0.5;
  }
  return pulses;
}

function loadFrames(
  { pulses, frame, isPair }: { readonly pulses: Float32Array; readonly frame: number; readonly isPair: boolean },
  real: Float64Array,
  imaginary: Float64Array,
): void {
  const { length } = pulses;
  // Mirrored at both ends.
  const sample = (index: number): number => {
    const folded = index < 0 ? -index : index;
    return pulses[folded >= length ? 2 * length - 2 - folded : folded] ?? 0;
  };
  const start = frame * HOP - WINDOW / 2;
  for (let index = 0; index < WINDOW; index += 1) {
    const weight = (HANN[index] ?? 0) / (WINDOW / 4);
    real[index] = sample(start + index) * weight;
    imaginary[index] = isPair ? sample(start + HOP + index) * weight : 0;
  }
}

interface FramePair {
  readonly frame: number;
  readonly isPair: boolean;
  readonly gauss: () => number;
}

interface Buffers {
  readonly real: Float64Array;
  readonly imaginary: Float64Array;
}

/** Separates the two frames, shapes each, and puts them together again. */
function shapeFrames(spectrum: Spectrum, { frame, isPair, gauss }: FramePair, { real, imaginary }: Buffers): void {
  const frames = spectrum.f0.length;
  const shaped = new Float64Array(4);
  for (let bin = 0; bin < SPECTRUM_BINS; bin += 1) {
    const mirror = (WINDOW - bin) % WINDOW;
    const [zr, zi] = [real[bin] ?? 0, imaginary[bin] ?? 0];
    const [mr, mi] = [real[mirror] ?? 0, imaginary[mirror] ?? 0];
    const isEdge = bin === 0 || bin === WINDOW / 2;
    for (let half = 0; half < 2; half += 1) {
      if (half === 1 && !isPair) {
        shaped[2] = 0;
        shaped[3] = 0;
        break;
      }
      const pulseReal = half === 0 ? (zr + mr) / 2 : (zi + mi) / 2;
      const pulseImaginary = half === 0 ? (zi - mi) / 2 : (mr - zr) / 2;
      const at = bin * frames + frame + half;
      const gain = exponential(spectrum.lh[at]);
      const turn = Math.PI * Math.tanh(spectrum.theta[at] ?? 0);
      const [cosine, sine] = [gain * Math.cos(turn), gain * Math.sin(turn)];
      const noise = exponential(spectrum.ln[at]);
      const rest = exponential(spectrum.lr[at]);
      const angle = spectrum.phi[at] ?? 0;
      shaped[2 * half] = pulseReal * cosine - pulseImaginary * sine + noise * gauss() + rest * Math.cos(angle);
      const imaginaryPart = pulseReal * sine + pulseImaginary * cosine + noise * gauss() + rest * Math.sin(angle);
      // Of a real signal both ends of the spectrum are real.
      shaped[2 * half + 1] = isEdge ? 0 : imaginaryPart;
    }
    const [firstReal = 0, firstImaginary = 0, secondReal = 0, secondImaginary = 0] = shaped;
    real[bin] = firstReal - secondImaginary;
    imaginary[bin] = firstImaginary + secondReal;
    if (isEdge) continue;
    real[mirror] = firstReal + secondImaginary;
    imaginary[mirror] = secondReal - firstImaginary;
  }
}

function exponential(logarithm: number | undefined): number {
  return Math.exp(Math.min(logarithm ?? 0, LOGARITHM_MAX));
}

function addFrame(
  { sound, gains, frame }: { readonly sound: Float64Array; readonly gains: Float64Array; readonly frame: number },
  samples: Float64Array,
): void {
  const start = frame * HOP;
  for (let index = 0; index < WINDOW; index += 1) {
    const weight = HANN[index] ?? 0;
    sound[start + index] = (sound[start + index] ?? 0) + ((samples[index] ?? 0) / WINDOW) * weight;
    gains[start + index] = (gains[start + index] ?? 0) + weight * weight;
  }
}

/** Normally distributed numbers, two from each pair of evenly distributed ones. */
function createGauss(random: () => number): () => number {
  let spare: number | null = null;
  return () => {
    if (spare !== null) {
      const value = spare;
      spare = null;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    const angle = 2 * Math.PI * random();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
}
