/**
 * The graph of Whisper's front end: samples become the logarithm of a mel spectrogram. The Fourier transform is a
 * convolution, which the runtime computes as fast as any other.
 *
 * Reference: https://github.com/openai/whisper/blob/main/whisper/audio.py (`log_mel_spectrogram`)
 */

import { OnnxGraph } from "../onnx/onnx-graph.ts";
import { FFT_BINS, FFT_SAMPLES, createMelFilters } from "./mel-filters.ts";

/** Samples from one frame of the spectrogram to the next. */
export const HOP_SAMPLES = 160;
/** The quietest that counts, below the loudest of the window. */
const DYNAMIC_RANGE = 8;

/** `audio` [samples] → `mel` [1, bands, samples / 160] */
export function buildLogMelGraph(bands: number): Buffer {
  const graph = new OnnxGraph();
  const half = FFT_SAMPLES / 2;
  const audio = graph.addInput("audio", "float", ["samples"]);
  const batch = graph.addNode("Unsqueeze", { inputs: [audio, graph.addIntegers([0, 1])] });
  const padded = graph.addNode("Pad", {
    inputs: [batch, graph.addIntegers([0, 0, half, 0, 0, half])],
    attributes: { mode: "reflect" },
  });
  const transformed = graph.addNode("Conv", {
    inputs: [padded, graph.addFloats(createFourierKernel(), [2 * FFT_BINS, 1, FFT_SAMPLES])],
    attributes: { strides: [HOP_SAMPLES] },
  });
  // The last frame begins at the end of the audio.
  const [zero, last, axis] = [graph.addIntegers([0]), graph.addIntegers([-1]), graph.addIntegers([2])];
  const frames = graph.addNode("Slice", { inputs: [transformed, zero, last, axis] });
  const parts = graph.addNodes("Split", { inputs: [frames], attributes: { axis: 1, num_outputs: 2 } }, 2);
  const [real, imaginary] = parts.map((part) => graph.addNode("Mul", { inputs: [part, part] }));
  const power = graph.addNode("Add", { inputs: [real ?? "", imaginary ?? ""] });
  const filters = graph.addFloats(createMelFilters(bands), [bands, FFT_BINS]);
  const mels = graph.addNode("MatMul", { inputs: [filters, power] });
  const audible = graph.addNode("Max", { inputs: [mels, graph.addFloats([1e-10])] });
  const natural = graph.addNode("Log", { inputs: [audible] });
  const decimal = graph.addNode("Mul", { inputs: [natural, graph.addFloats([Math.LOG10E])] });
  const loudest = graph.addNode("ReduceMax", { inputs: [decimal], attributes: { keepdims: 1 } });
  const floor = graph.addNode("Sub", { inputs: [loudest, graph.addFloats([DYNAMIC_RANGE])] });
  const clamped = graph.addNode("Max", { inputs: [decimal, floor] });
  const shifted = graph.addNode("Add", { inputs: [clamped, graph.addFloats([4])] });
  graph.addNode("Mul", { inputs: [shifted, graph.addFloats([0.25])], outputs: ["mel"] });
  graph.addOutput("mel", "float", [1, bands, "frames"]);
  return graph.encode();
}

/** Rows of cosines, then of sines, under a Hann window. */
function createFourierKernel(): Float32Array {
  const kernel = new Float32Array(2 * FFT_BINS * FFT_SAMPLES);
  for (let index = 0; index < FFT_SAMPLES; index += 1) {
    const window = 0.5 - 0.5 * Math.cos((2 * Math.PI * index) / FFT_SAMPLES);
    for (let bin = 0; bin < FFT_BINS; bin += 1) {
      const angle = (2 * Math.PI * ((bin * index) % FFT_SAMPLES)) / FFT_SAMPLES;
      kernel[bin * FFT_SAMPLES + index] = window * Math.cos(angle);
      kernel[(FFT_BINS + bin) * FFT_SAMPLES + index] = window * Math.sin(angle);
    }
  }
  return kernel;
}
