/**
 * A Whisper of about 2 MB as CTranslate2 writes one: random weights, and positions that decide which token comes next,
 * so that it says the same sentences of every recording. The real runtime runs it.
 */

import { writeFile } from "node:fs/promises";
import path from "node:path";

const WIDTH = 64;
const MELS = 80;
const TEXT_POSITIONS = 448;
/** A window of ten seconds. */
const AUDIO_POSITIONS = 500;
const TIMESTAMPS = 1501;
const STEPS_PER_SECOND = 50;
const LANGUAGES = ["en", "de", "es", "jw"];
/** How clearly a position decides: the other tokens share what is left. */
const CERTAINTY = 8;

export interface TinySegment {
  readonly startS: number;
  readonly endS: number;
  readonly words: readonly string[];
}

export interface TinyCheckpoint {
  readonly weightsPath: string;
  readonly vocabularyPath: string;
  readonly configPath: string;
  /** By name, as it stands in the vocabulary. */
  readonly idOf: (token: string) => number;
}

export interface TinyCheckpointOptions {
  /** What it says, in windows without a prompt. */
  readonly segments?: readonly TinySegment[];
  /** What it detects. Default en. */
  readonly language?: string;
}

const TINY_SEGMENTS: readonly TinySegment[] = [
  { startS: 0, endS: 1, words: ["the", "sea", "is", "wide"] },
  { startS: 1, endS: 2, words: ["and", "rain", "falls."] },
];

export async function writeTinyCheckpoint(
  directory: string,
  { segments = TINY_SEGMENTS, language = "en" }: TinyCheckpointOptions = {},
): Promise<TinyCheckpoint> {
  const vocabulary = listVocabulary(segments);
  const idOf = (token: string): number => {
    const id = vocabulary.indexOf(token);
    if (id === -1) throw new Error(`The tiny vocabulary has no ${token}.`);
    return id;
  };
  const at = (name: string): string => path.join(directory, name);
  const config = {
    alignment_heads: [[0, 0]],
    suppress_ids: [idOf("<|startoftranscript|>")],
    suppress_ids_begin: [idOf("<|endoftext|>")],
  };
  const said = listSaid(segments, language).map(idOf);
  await writeFile(at("model.bin"), encodeModel(listVariables(vocabulary.length, said)));
  await writeFile(at("vocabulary.txt"), `${vocabulary.join("\n")}\n`);
  await writeFile(at("config.json"), JSON.stringify(config));
  return {
    weightsPath: at("model.bin"),
    vocabularyPath: at("vocabulary.txt"),
    configPath: at("config.json"),
    idOf,
  };
}

/** In GPT-2's alphabet a space is Ġ. */
function listVocabulary(segments: readonly TinySegment[]): readonly string[] {
  const letters = Array.from({ length: 94 }, (_, index) => String.fromCodePoint(33 + index));
  const words = segments.flatMap((segment) => segment.words.map((word) => `Ġ${word}`));
  const named = ["endoftext", "startoftranscript", ...LANGUAGES, "translate", "transcribe"];
  const rest = ["startoflm", "startofprev", "nospeech", "notimestamps"];
  return [
    ...letters,
    "Ġ",
    "th",
    "the",
    "Ġt",
    ...new Set(words),
    ...[...named, ...rest].map((name) => `<|${name}|>`),
    ...Array.from({ length: TIMESTAMPS }, (_, step) => timestamp(step / STEPS_PER_SECOND)),
  ];
}

function timestamp(seconds: number): string {
  return `<|${seconds.toFixed(2)}|>`;
}

/** By position: what follows the start, the language and the task. */
function listSaid(segments: readonly TinySegment[], language: string): readonly string[] {
  const texts = segments.flatMap(({ startS, endS, words }) => [
    timestamp(startS),
    ...words.map((word) => `Ġ${word}`),
    timestamp(endS),
  ]);
  return [`<|${language}|>`, "<|transcribe|>", ...texts, "<|endoftext|>"];
}

interface Variable {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: "f32" | "f16" | "i8";
  readonly values: readonly number[];
}

function listVariables(vocabularySize: number, said: readonly number[]): readonly Variable[] {
  const random = createNoise();
  const noise = (shape: readonly number[], scale: number): readonly number[] =>
    Array.from({ length: shape.reduce((product, size) => product * size, 1) }, () => scale * random());
  const matrix = (name: string, rows: number, columns = WIDTH): readonly Variable[] => [
    { name: `${name}/weight`, shape: [rows, columns], type: "f16", values: noise([rows, columns], 0.01) },
    { name: `${name}/bias`, shape: [rows], type: "f32", values: noise([rows], 0.01) },
  ];
  const norm = (name: string): readonly Variable[] => [
    { name: `${name}/gamma`, shape: [WIDTH], type: "f32", values: Array.from({ length: WIDTH }, () => 1) },
    { name: `${name}/beta`, shape: [WIDTH], type: "f32", values: noise([WIDTH], 0.001) },
  ];
  const block = (name: string, sizes: readonly number[]): readonly Variable[] => [
    ...norm(`${name}/layer_norm`),
    ...sizes.flatMap((rows, index) => matrix(`${name}/linear_${index}`, rows)),
  ];
  const convolution = (name: string, channels: number): readonly Variable[] => [
    { name: `${name}/weight`, shape: [WIDTH, channels, 3], type: "f16", values: noise([WIDTH, channels, 3], 0.05) },
    { name: `${name}/bias`, shape: [WIDTH, 1], type: "f32", values: noise([WIDTH], 0.01) },
  ];
  const embeddings = noise([vocabularySize, WIDTH], 0.5);
  return [
    { name: "encoder/num_heads", shape: [], type: "i8", values: [1] },
    ...convolution("encoder/conv1", MELS),
    ...convolution("encoder/conv2", WIDTH),
    positions("encoder", noise([AUDIO_POSITIONS, WIDTH], 0.1)),
    ...block("encoder/layer_0/self_attention", [3 * WIDTH, WIDTH]),
    ...block("encoder/layer_0/ffn", [WIDTH, WIDTH]),
    ...norm("encoder/layer_norm"),
    { name: "decoder/embeddings/weight", shape: [vocabularySize, WIDTH], type: "f16", values: embeddings },
    positions("decoder", listDecidingPositions(embeddings, said)),
    ...block("decoder/layer_0/self_attention", [3 * WIDTH, WIDTH]),
    ...block("decoder/layer_0/attention", [WIDTH, 2 * WIDTH, WIDTH]),
    ...block("decoder/layer_0/ffn", [WIDTH, WIDTH]),
    ...norm("decoder/layer_norm"),
  ];
}

function positions(side: string, values: readonly number[]): Variable {
  return {
    name: `${side}/position_encodings/encodings`,
    shape: [values.length / WIDTH, WIDTH],
    type: "f32",
    values,
  };
}

/** Each points to the embedding of the token that comes next; after the last one, to the end of the text. */
function listDecidingPositions(embeddings: readonly number[], said: readonly number[]): readonly number[] {
  return Array.from({ length: TEXT_POSITIONS }, (_, position) => {
    const token = said[Math.min(position, said.length - 1)] ?? 0;
    return embeddings.slice(token * WIDTH, (token + 1) * WIDTH).map((value) => CERTAINTY * value);
  }).flat();
}

/** A fixed sequence, about normal. */
function createNoise(): () => number {
  let state = 12_345;
  const next = (): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 32;
  };
  return () => (next() + next() + next() - 1.5) * 2;
}

const TYPE_NUMBERS = { f32: 0, i8: 1, f16: 4 } as const;

function encodeModel(variables: readonly Variable[]): Buffer {
  return Buffer.concat([
    encodeUint32(6),
    encodeText("WhisperSpec"),
    encodeUint32(3),
    encodeUint32(variables.length),
    ...variables.flatMap(({ name, shape, type, values }) => {
      const bytes = encodeValues(type, values);
      return [
        encodeText(name),
        Buffer.from([shape.length]),
        ...shape.map(encodeUint32),
        Buffer.from([TYPE_NUMBERS[type]]),
        encodeUint32(bytes.length),
        bytes,
      ];
    }),
    encodeUint32(0),
  ]);
}

function encodeValues(type: Variable["type"], values: readonly number[]): Buffer {
  if (type === "i8") return Buffer.from(Int8Array.from(values));
  if (type === "f32") return Buffer.from(Float32Array.from(values).buffer);
  return Buffer.from(Uint16Array.from(values, encodeHalf).buffer);
}

/** Of numbers that are neither huge nor tiny. */
function encodeHalf(value: number): number {
  const sign = value < 0 ? 0x8000 : 0;
  const size = Math.abs(value);
  const exponent = Math.max(-14, Math.floor(Math.log2(size || 2 ** -24)));
  const fraction = Math.round((size / 2 ** exponent) * 1024);
  // A tiny one has no leading bit.
  return sign | (fraction < 1024 ? fraction : ((exponent + 15) << 10) + (fraction - 1024));
}

function encodeText(text: string): Buffer {
  const bytes = Buffer.from(`${text}\0`);
  const length = Buffer.alloc(2);
  length.writeUInt16LE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function encodeUint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
