/** The tiny checkpoint as the engine runs it, and a voice detector that takes every loud sound for speech. */

import { writeFile } from "node:fs/promises";
import path from "node:path";
import { convertWhisperToSafetensors } from "../../models/convert/whisper/whisper-to-safetensors.ts";
import { makeTemporaryDirectory } from "../../models/testing/temporary-directory.ts";
import { OnnxGraph } from "../../onnx/onnx-graph.ts";
import { writeTinyCheckpoint } from "./tiny-checkpoint.ts";
import type { TinyCheckpoint, TinyCheckpointOptions } from "./tiny-checkpoint.ts";

export interface TinyWhisper extends AsyncDisposable, TinyCheckpoint {
  readonly modelPath: string;
  readonly voiceDetectorPath: string;
}

const FRAME_SAMPLES = 576;
const STATE = [1, 1, 128];
/** Mean size of the samples of speech. */
const LOUDNESS_MIN = 0.02;

export async function makeTinyWhisper(options: TinyCheckpointOptions = {}): Promise<TinyWhisper> {
  const directory = await makeTemporaryDirectory();
  const checkpoint = await writeTinyCheckpoint(directory.path, options);
  const modelPath = path.join(directory.path, "tiny.safetensors");
  await convertWhisperToSafetensors({ ...checkpoint, targetPath: modelPath });
  const voiceDetectorPath = path.join(directory.path, "loudness.onnx");
  await writeFile(voiceDetectorPath, buildLoudnessGraph());
  return {
    ...checkpoint,
    modelPath,
    voiceDetectorPath,
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
}

function buildLoudnessGraph(): Buffer {
  const graph = new OnnxGraph();
  const frames = graph.addInput("input", "float", ["frames", FRAME_SAMPLES]);
  const [h, c] = ["h", "c"].map((name) => graph.addInput(name, "float", STATE));
  const size = graph.addNode("Abs", { inputs: [frames] });
  const mean = graph.addNode("ReduceMean", { inputs: [size, graph.addIntegers([1])], attributes: { keepdims: 0 } });
  const above = graph.addNode("Sub", { inputs: [mean, graph.addFloats([LOUDNESS_MIN])] });
  const steep = graph.addNode("Mul", { inputs: [above, graph.addFloats([1000])] });
  graph.addNode("Sigmoid", { inputs: [steep], outputs: ["speech_probs"] });
  graph.addOutput("speech_probs", "float", ["frames"]);
  for (const [state = "", name = ""] of [
    [h, "hn"],
    [c, "cn"],
  ]) {
    graph.addNode("Identity", { inputs: [state], outputs: [name] });
    graph.addOutput(name, "float", STATE);
  }
  return graph.encode();
}
