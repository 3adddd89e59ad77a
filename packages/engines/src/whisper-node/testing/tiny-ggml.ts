/**
 * A Whisper as a ggml file whose weights are zero but for the positions, which decide which token comes next, so that it
 * says the same sentences of every recording. whisper.cpp itself runs it.
 */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";

export interface TinyGgml {
  readonly modelPath: string;
  /** Of the words that it says. */
  readonly wordIds: ReadonlyMap<string, number>;
}

const WIDTH = 32;
/** whisper.cpp ends with a fault where there is one. */
const HEADS = 2;
const MELS = 80;
const BINS = 201;
const AUDIO_POSITIONS = 1500;
const TEXT_POSITIONS = 448;
const VOCABULARY = { multilingual: 51_865, english: 51_864 };
const TEXT_TOKENS = { multilingual: 50_257, english: 50_256 };
/** The words come there in the vocabulary, and what whisper.cpp looks up by its text. */
const FIRST_WORD = 1000;
const LOOKED_UP = [" ", " -", " '"];
const STEPS_PER_SECOND = 50;
const HALF = 1;
const FLOAT = 0;
/** As a number of two bytes. */
const FOUR = 0x44_00;
const CERTAINTY = 8;

const SEGMENTS = [
  { startS: 0, endS: 1, words: [" the", " sea", " is", " wide"] },
  { startS: 1, endS: 2, words: [" and", " rain", " falls", "."] },
];

export async function writeTinyGgml(
  directory: string,
  { isMultilingual = true }: { readonly isMultilingual?: boolean } = {},
): Promise<TinyGgml> {
  const kind = isMultilingual ? "multilingual" : "english";
  const words = SEGMENTS.flatMap((segment) => segment.words);
  const wordIds = new Map(words.map((word, index) => [word, FIRST_WORD + index] as const));
  const modelPath = join(directory, `ggml-tiny-${kind}.bin`);
  const named = [...words, ...LOOKED_UP];
  const texts = Array.from({ length: TEXT_TOKENS[kind] }, (_, id) => named[id - FIRST_WORD] ?? `t${id}`);
  const said = listSaid(TEXT_TOKENS[kind], isMultilingual, wordIds);
  await writeFile(
    modelPath,
    Buffer.concat([
      encodeIntegers([0x67_67_6d_6c, VOCABULARY[kind], AUDIO_POSITIONS, WIDTH, HEADS, 1]),
      encodeIntegers([TEXT_POSITIONS, WIDTH, HEADS, 1, MELS, HALF]),
      encodeIntegers([MELS, BINS]),
      Buffer.alloc(MELS * BINS * 4),
      encodeIntegers([texts.length]),
      ...texts.flatMap((text) => [encodeIntegers([Buffer.byteLength(text)]), Buffer.from(text)]),
      ...listTensors(VOCABULARY[kind], said),
    ]),
  );
  return { modelPath, wordIds };
}

/** By position: after the start come language and task in a multilingual model. */
function listSaid(endOfText: number, isMultilingual: boolean, wordIds: ReadonlyMap<string, number>): readonly number[] {
  const start = endOfText + 1;
  const [english, transcribe] = [start + 1, endOfText + 102];
  const timestamp = (seconds: number): number => endOfText + 107 + seconds * STEPS_PER_SECOND;
  const texts = SEGMENTS.flatMap(({ startS, endS, words }) => [
    timestamp(startS),
    ...words.map((word) => wordIds.get(word) ?? 0),
    timestamp(endS),
  ]);
  return [...(isMultilingual ? [english, transcribe] : []), ...texts, endOfText];
}

function listTensors(vocabulary: number, said: readonly number[]): readonly Buffer[] {
  const directions = [...new Set(said)];
  const embeddings = Buffer.alloc(vocabulary * WIDTH * 2);
  for (const [direction, token] of directions.entries())
    embeddings.writeUInt16LE(FOUR, (token * WIDTH + direction) * 2);
  const positions = Buffer.alloc(TEXT_POSITIONS * WIDTH * 4);
  for (let position = 0; position < TEXT_POSITIONS; position += 1) {
    const token = said[Math.min(position, said.length - 1)] ?? 0;
    positions.writeFloatLE(CERTAINTY, (position * WIDTH + directions.indexOf(token)) * 4);
  }
  return [
    encodeTensor("encoder.positional_embedding", { shape: [AUDIO_POSITIONS, WIDTH], type: FLOAT }),
    ...listConvolution("encoder.conv1", MELS),
    ...listConvolution("encoder.conv2", WIDTH),
    ...listNorm("encoder.ln_post"),
    encodeTensor("decoder.positional_embedding", { shape: [TEXT_POSITIONS, WIDTH], type: FLOAT, values: positions }),
    encodeTensor("decoder.token_embedding.weight", { shape: [vocabulary, WIDTH], type: HALF, values: embeddings }),
    ...listNorm("decoder.ln"),
    ...listBlock("encoder.blocks.0", ["attn"]),
    ...listBlock("decoder.blocks.0", ["attn", "cross_attn"]),
  ];
}

function listBlock(name: string, attentions: readonly string[]): readonly Buffer[] {
  return [
    ...attentions.flatMap((attention) => [
      ...listNorm(`${name}.${attention}_ln`),
      ...listMatrix(`${name}.${attention}.query`, [WIDTH, WIDTH]),
      encodeTensor(`${name}.${attention}.key.weight`, { shape: [WIDTH, WIDTH], type: HALF }),
      ...listMatrix(`${name}.${attention}.value`, [WIDTH, WIDTH]),
      ...listMatrix(`${name}.${attention}.out`, [WIDTH, WIDTH]),
    ]),
    ...listNorm(`${name}.mlp_ln`),
    ...listMatrix(`${name}.mlp.0`, [4 * WIDTH, WIDTH]),
    ...listMatrix(`${name}.mlp.2`, [WIDTH, 4 * WIDTH]),
  ];
}

function listMatrix(name: string, [rows, columns]: readonly [number, number]): readonly Buffer[] {
  return [
    encodeTensor(`${name}.weight`, { shape: [rows, columns], type: HALF }),
    encodeTensor(`${name}.bias`, { shape: [rows], type: FLOAT }),
  ];
}

function listConvolution(name: string, channels: number): readonly Buffer[] {
  return [
    encodeTensor(`${name}.weight`, { shape: [WIDTH, channels, 3], type: HALF }),
    encodeTensor(`${name}.bias`, { shape: [WIDTH, 1], type: FLOAT }),
  ];
}

function listNorm(name: string): readonly Buffer[] {
  const ones = Buffer.from(Float32Array.from({ length: WIDTH }, () => 1).buffer);
  return [
    encodeTensor(`${name}.weight`, { shape: [WIDTH], type: FLOAT, values: ones }),
    encodeTensor(`${name}.bias`, { shape: [WIDTH], type: FLOAT }),
  ];
}

interface Tensor {
  readonly shape: readonly number[];
  readonly type: typeof HALF | typeof FLOAT;
  /** Default: zeros. */
  readonly values?: Buffer;
}

function encodeTensor(name: string, { shape, type, values }: Tensor): Buffer {
  const bytes = shape.reduce((product, size) => product * size, type === HALF ? 2 : 4);
  const head = encodeIntegers([shape.length, name.length, type, ...shape.toReversed()]);
  return Buffer.concat([head, Buffer.from(name), values ?? Buffer.alloc(bytes)]);
}

function encodeIntegers(values: readonly number[]): Buffer {
  return Buffer.from(Int32Array.from(values).buffer);
}
