/**
 * Voices with no weights to speak of, in the files of the real ones: small dictionaries, and graphs that hum for as long
 * as the text is. They run on the real engine.
 */

import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { buildZip } from "../../models/testing/build-zip.ts";
import { KOKORO_VOICES, KOKORO_VOICE_BYTES } from "../../models/voice-catalogue.ts";
import { OnnxGraph } from "../../onnx/onnx-graph.ts";
import type { VoiceFiles } from "../voice-settings.ts";
import { TINY_TABLES } from "./tiny-tables.ts";

/** Frames of sound for each symbol at speed 1: about as long as people take. */
const FRAMES_PER_SYMBOL = 6;
const BINS = 601;
/** `TensorProto.DataType` */
const [FLOAT, INT64] = [1, 7];

const LETTERS: Readonly<Record<string, string>> = Object.fromEntries(
  Array.from("abcdefghijklmnopqrstuvwxyz", (letter) => [
    letter.toUpperCase(),
    `ˈ${letter === "x" ? "ɛks" : "Aiɛ"[letter.length]}`,
  ]),
);

/** Words of the tests, and the words of numbers and of readings that they need. */
const GOLD: Readonly<Record<string, unknown>> = {
  ...LETTERS,
  sea: "sˈi",
  wide: "wˈId",
  rain: "ɹˈAn",
  read: { DEFAULT: "ɹˈid", VBD: "ɹˈɛd" },
  falls: "fˈɔlz",
  roof: "ɹˈuf",
  wind: "wˈɪnd",
  walk: "wˈɔk",
  wait: "wˈAt",
  to: "tə",
  one: "wˈʌn",
  two: "tˈu",
  three: "θɹˈi",
  twenty: "twˈɛnti",
  five: "fˈIv",
  hundred: "hˈʌndɹəd",
  thousand: "θˈWzᵊnd",
  point: "pˈYnt",
  dollar: "dˈɑləɹ",
  cent: "sˈɛnt",
  and: "ænd",
  percent: "pəɹsˈɛnt",
  minus: "mˈInəs",
  third: "θˈɜɹd",
};

const VOCABULARY =
  '$;:,.!?—…"()“” ̃ʣʥʦʨᵝꭧAIOQSTWYᵊabcdefhijklmnopqrstuvwxyzɑɐɒæβɔɕçɖðʤəɚɛɜɟɡɥɨɪʝɯɰŋɳɲɴøɸθœɹɾɻʁɽʂʃʈʧʊʋʌɣɤχʎʒʔˈˌːʰʲ↓→↗↘ᵻ';

export interface TinyVoices {
  readonly hibari: VoiceFiles;
  readonly kokoro: VoiceFiles;
}

export async function writeTinyVoices(directory: string): Promise<TinyVoices> {
  await mkdir(directory, { recursive: true });
  const at = (name: string): string => path.join(directory, name);
  await writeFile(at("hibari.whl"), buildArchive());
  await writeFile(at("kokoro.onnx"), buildSoundGraph());
  await writeFile(at("voices.bin"), Buffer.alloc(KOKORO_VOICES.length * KOKORO_VOICE_BYTES, 0x3c));
  const archivePath = at("hibari.whl");
  return {
    hibari: { family: "hibari", archivePath },
    kokoro: { family: "kokoro", archivePath, modelPath: at("kokoro.onnx"), stylesPath: at("voices.bin") },
  };
}

function buildArchive(): Buffer {
  const json = (name: string, value: unknown) => {
    const bytes = Buffer.from(JSON.stringify(value));
    return { name: `hibari/assets/${name}`, bytes: name.endsWith(".gz") ? gzipSync(bytes) : bytes };
  };
  const letters = Array.from("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZßöü");
  const unknown = { in: letters, out: Array.from("abdefhiklmnopstuvwz"), maxlen: 24 };
  return buildZip([
    { name: "hibari/assets/hibari.onnx", bytes: buildSpectrumGraph() },
    ...["oov", "oov_gb"].flatMap((name) => [
      { name: `hibari/assets/${name}.onnx`, bytes: buildUnknownWordsGraph() },
      json(`${name}.json`, unknown),
    ]),
    ...["us_gold", "gb_gold"].map((name) => json(`lexicon_${name}.json.gz`, GOLD)),
    ...["us_silver", "gb_silver"].map((name) => json(`lexicon_${name}.json.gz`, {})),
    json("vocab.json", Object.fromEntries(Array.from(VOCABULARY, (phoneme, index) => [phoneme, index + 1]))),
    json("tokenizer_exceptions.json", { "don't": ["do", "n't"] }),
    json("tagger.json.gz", {
      tags: ["CD", "DT", "NN", "VB", "VBD", "$", ".", ","],
      tagdict: { the: "DT", The: "DT", $: "$", ".": ".", ",": "," },
      vocab: ["the", "!DIGITS"],
      weights: { "w=!DIGITS": { CD: 5 }, "w=!YEAR": { CD: 5 }, "sh=d": { CD: 5 }, b: { NN: 1 } },
    }),
    json("normalize.json", TINY_TABLES),
  ]);
}

/** How many frames the symbols take, as a tensor of one number. */
function addFrameCount(graph: OnnxGraph, symbols: string, speed: string): string {
  const shape = graph.addNode("Shape", { inputs: [symbols] });
  const length = graph.addNode("Gather", { inputs: [shape, graph.addIntegers([1])] });
  const asFloat = graph.addNode("Cast", { inputs: [length], attributes: { to: FLOAT } });
  const slow = graph.addNode("Mul", { inputs: [asFloat, graph.addFloats([FRAMES_PER_SYMBOL])] });
  const frames = graph.addNode("Ceil", { inputs: [graph.addNode("Div", { inputs: [slow, speed] })] });
  return graph.addNode("Cast", { inputs: [frames], attributes: { to: INT64 } });
}

/** A voice of 120 Hz whose filter is random, as hibari's model gives it. */
function buildSpectrumGraph(): Buffer {
  const graph = new OnnxGraph();
  const frames = addFrameCount(
    graph,
    graph.addInput("ids", "int64", [1, "length"]),
    graph.addInput("speed", "float", [1]),
  );
  const spread = (name: string, values: readonly number[], rows: readonly number[]): void => {
    const shape = graph.addNode("Concat", { inputs: [graph.addIntegers(rows), frames], attributes: { axis: 0 } });
    const value = graph.addFloats(values, [...rows, 1]);
    graph.addNode("Expand", { inputs: [value, shape], outputs: [name] });
    graph.addOutput(name, "float", [...rows, "frames"]);
  };
  const random = createRandom();
  const filter = Array.from({ length: BINS }, (_, bin) => random() * 2 - 1 - bin / 100);
  spread("lh", filter, [1, BINS]);
  spread(
    "theta",
    Array.from({ length: BINS }, () => random() - 0.5),
    [1, BINS],
  );
  for (const name of ["ln", "lr"])
    spread(
      name,
      Array.from({ length: BINS }, () => -12),
      [1, BINS],
    );
  spread(
    "phi",
    Array.from({ length: BINS }, () => random()),
    [1, BINS],
  );
  spread("f0", [120], [1]);
  return graph.encode();
}

/** A tone whose strength is the style's, as Kokoro's model gives it. */
function buildSoundGraph(): Buffer {
  const graph = new OnnxGraph();
  const tokens = graph.addInput("tokens", "int64", [1, "length"]);
  const style = graph.addInput("style", "float", [1, 256]);
  const frames = addFrameCount(graph, tokens, graph.addInput("speed", "float", [1]));
  const samples = graph.addNode("Mul", { inputs: [frames, graph.addIntegers([300])] });
  const scalar = graph.addNode("Squeeze", { inputs: [samples] });
  const count = graph.addNode("Cast", { inputs: [scalar], attributes: { to: FLOAT } });
  const times = graph.addNode("Range", { inputs: [graph.addFloats([0], []), count, graph.addFloats([1], [])] });
  const angles = graph.addNode("Mul", { inputs: [times, graph.addFloats([0.05])] });
  const tone = graph.addNode("Sin", { inputs: [angles] });
  const strength = graph.addNode("ReduceMean", { inputs: [style], attributes: { keepdims: 0 } });
  const strong = graph.addNode("Mul", { inputs: [strength, graph.addFloats([20])] });
  graph.addNode("Mul", { inputs: [tone, strong], outputs: ["audio"] });
  graph.addOutput("audio", "float", ["samples"]);
  return graph.encode();
}

/** Letters become phonemes by their numbers. */
function buildUnknownWordsGraph(): Buffer {
  const graph = new OnnxGraph();
  const letters = graph.addInput("chars", "int64", [1, "length"]);
  const rest = graph.addNode("Mod", { inputs: [letters, graph.addIntegers([19])] });
  graph.addNode("Add", { inputs: [rest, graph.addIntegers([1])], outputs: ["phonemes"] });
  graph.addOutput("phonemes", "int64", [1, "length"]);
  return graph.encode();
}

function createRandom(): () => number {
  let state = 1_234_567;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
