/** The triangular filters that sum a spectrum into bands of the mel scale, as Whisper was trained with them. */

/** Samples of a spectrum's window, at 16 kHz. */
export const FFT_SAMPLES = 400;
export const FFT_BINS = FFT_SAMPLES / 2 + 1;
const SAMPLE_RATE = 16_000;
/** Slaney's scale is linear below and logarithmic above. */
const LINEAR_HZ_MAX = 1000;
const LINEAR_MELS_MAX = 15;
const LOGARITHMIC_STEP = Math.log(6.4) / 27;

/**
 * A row for each band, with a weight for each bin; every filter has the same area
 * (https://librosa.org/doc/main/generated/librosa.filters.mel.html with its defaults).
 */
export function createMelFilters(bands: number): Float32Array {
  const topMels = hertzToMels(SAMPLE_RATE / 2);
  const edge = (index: number): number => melsToHertz((topMels * index) / (bands + 1));
  const weights = new Float32Array(bands * FFT_BINS);
  for (let band = 0; band < bands; band += 1) {
    const [from, centre, to] = [edge(band), edge(band + 1), edge(band + 2)];
    for (let bin = 0; bin < FFT_BINS; bin += 1) {
      const hertz = (bin * SAMPLE_RATE) / FFT_SAMPLES;
      const height = Math.min((hertz - from) / (centre - from), (to - hertz) / (to - centre));
      weights[band * FFT_BINS + bin] = (Math.max(0, height) * 2) / (to - from);
    }
  }
  return weights;
}

function hertzToMels(hertz: number): number {
  if (hertz < LINEAR_HZ_MAX) return (hertz * 3) / 200;
  return LINEAR_MELS_MAX + Math.log(hertz / LINEAR_HZ_MAX) / LOGARITHMIC_STEP;
}

function melsToHertz(mels: number): number {
  if (mels < LINEAR_MELS_MAX) return (mels * 200) / 3;
  return LINEAR_HZ_MAX * Math.exp(LOGARITHMIC_STEP * (mels - LINEAR_MELS_MAX));
}
