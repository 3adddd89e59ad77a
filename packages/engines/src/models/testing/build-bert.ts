/** A tiny BERT encoder with random weights, in the files that such models are published in. */

import { writeFile } from "node:fs/promises";
import path from "node:path";

export const TINY_BERT = { width: 32, positions: 64, layers: 1, feedForward: 64, headCount: 2 } as const;

export interface BertFiles {
  readonly weightsPath: string;
  readonly vocabularyPath: string;
}

export interface BuildBertOptions {
  /** Changes the list of tensors before it is written. */
  readonly change?: (tensors: Map<string, SafetensorsInput>) => void;
  readonly vocabulary?: readonly string[];
}

export interface SafetensorsInput {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

const LETTERS = Array.from({ length: 26 }, (_, index) => String.fromCharCode(0x61 + index));
export const TINY_VOCABULARY: readonly string[] = [
  "[PAD]",
  "[UNK]",
  "[CLS]",
  "[SEP]",
  "[MASK]",
  ...".,!?¿0123456789".split(""),
  ...LETTERS,
  ...LETTERS.map((letter) => `##${letter}`),
  ..."0123456789".split("").map((digit) => `##${digit}`),
  "sea",
  "rain",
  "text",
];

/** About 100 kB; always the same bytes. */
export async function writeTinyBert(directory: string, options: BuildBertOptions = {}): Promise<BertFiles> {
  const { width, positions, layers, feedForward } = TINY_BERT;
  const random = createRandom();
  const tensors = new Map<string, SafetensorsInput>();
  const add = (name: string, ...shape: number[]) => tensors.set(name, { shape, values: random(shape) });
  add("embeddings.word_embeddings.weight", TINY_VOCABULARY.length, width);
  add("embeddings.position_embeddings.weight", positions, width);
  add("embeddings.token_type_embeddings.weight", 2, width);
  add("embeddings.LayerNorm.weight", width);
  add("embeddings.LayerNorm.bias", width);
  for (let layer = 0; layer < layers; layer += 1) {
    const part = (name: string, rows: number, columns: number) => {
      add(`encoder.layer.${layer}.${name}.weight`, rows, columns);
      add(`encoder.layer.${layer}.${name}.bias`, rows);
    };
    const norm = (name: string) => {
      add(`encoder.layer.${layer}.${name}.weight`, width);
      add(`encoder.layer.${layer}.${name}.bias`, width);
    };
    for (const name of ["query", "key", "value"]) part(`attention.self.${name}`, width, width);
    part("attention.output.dense", width, width);
    norm("attention.output.LayerNorm");
    part("intermediate.dense", feedForward, width);
    part("output.dense", width, feedForward);
    norm("output.LayerNorm");
  }
  add("pooler.dense.weight", width, width);
  options.change?.(tensors);
  const files = {
    weightsPath: path.join(directory, "tiny.safetensors"),
    vocabularyPath: path.join(directory, "tiny.vocab.txt"),
  };
  await writeFile(files.weightsPath, encodeSafetensors(tensors));
  await writeFile(files.vocabularyPath, `${(options.vocabulary ?? TINY_VOCABULARY).join("\n")}\n`);
  return files;
}

function encodeSafetensors(tensors: ReadonlyMap<string, SafetensorsInput>): Buffer {
  let end = 0;
  const entries = [...tensors].map(([name, { shape, values }]) => {
    const start = end;
    end += values.byteLength;
    return [name, { dtype: "F32", shape, data_offsets: [start, end] }];
  });
  const header = Buffer.from(JSON.stringify({ __metadata__: { format: "pt" }, ...Object.fromEntries(entries) }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const data = [...tensors.values()].map(({ values }) => Buffer.from(values.buffer));
  return Buffer.concat([length, header, ...data]);
}

function createRandom(): (shape: readonly number[]) => Float32Array {
  let state = 7_654_321;
  return (shape) =>
    Float32Array.from({ length: shape.reduce((product, count) => product * count, 1) }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 2 ** 32 - 0.5;
    });
}
