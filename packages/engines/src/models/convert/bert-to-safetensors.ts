/**
 * Writes a BERT sentence encoder, as it is published (safetensors and a WordPiece vocabulary), as one safetensors file
 * that the embedding engine runs on ONNX Runtime: matrices as 8-bit integers, the rest as 32-bit floats. One matrix is
 * in memory at a time.
 */

import { open, readFile, type FileHandle } from "node:fs/promises";
import { AiError } from "@openai-compat/core";
import {
  BERT_EMBEDDINGS,
  BERT_FORMAT,
  BERT_METADATA,
  EMBEDDING_BLOCK_WEIGHTS,
  nameBertLayer,
  type BertConfig,
} from "../../onnx-embedding/bert-config.ts";
import { writePinnableFile, type WrittenFile } from "../write-pinnable-file.ts";
import type { BertConversionOptions } from "./bert-to-gguf.ts";
import { encodeFloats, quantiseBlocks } from "./encode-weights.ts";
import { encodeSafetensorsHeader, type NewTensor } from "./safetensors-writer.ts";
import { readSafetensorsHeader, readWeights, type SafetensorsTensor } from "./safetensors.ts";

/** About ten milliseconds of work. */
const CHUNK_WEIGHTS = 256 * 1024;
const UNUSED = /^(?:pooler\.|embeddings\.position_ids$)/;

/** Tensors that follow each other in the file, and their bytes. */
interface Part {
  readonly tensors: readonly NewTensor[];
  readonly encode: () => AsyncGenerator<Uint8Array>;
}

/**
 * @returns size and checksum of what was written; they depend on the two files and the parameters alone
 * @throws AiError `invalid_value` when a file is damaged or is no BERT encoder
 */
export async function convertBertToSafetensors(options: BertConversionOptions): Promise<WrittenFile> {
  await using file = await open(options.weightsPath, "r");
  const source = new BertSource(file, (await readSafetensorsHeader(file)).tensors);
  const vocabulary = (await readFile(options.vocabularyPath, "utf8")).replace(/\n$/, "").split("\n");
  const config = describeModel(source, options.parameters);
  if (vocabulary.length !== config.vocabularySize) {
    throw notBert(`its vocabulary has ${vocabulary.length} tokens, its weights ${config.vocabularySize}`);
  }
  for (const marker of ["[CLS]", "[SEP]", "[UNK]"]) {
    if (!vocabulary.includes(marker)) throw notBert(`its vocabulary has no ${marker}`);
  }
  const parts = planParts(source, config);
  const unknown = source.listUnread().find((name) => !UNUSED.test(name));
  if (unknown !== undefined) throw notBert(`it has a tensor ${unknown.slice(0, 100)}`);
  const { header, totalBytes } = encodeSafetensorsHeader(
    parts.flatMap(({ tensors }) => tensors),
    {
      [BERT_METADATA.format]: BERT_FORMAT,
      [BERT_METADATA.config]: JSON.stringify(config),
      [BERT_METADATA.vocabulary]: JSON.stringify(vocabulary),
    },
  );
  return await writePinnableFile(options, { pieces: encodeFile(header, parts), totalBytes });
}

async function* encodeFile(header: Uint8Array, parts: readonly Part[]): AsyncGenerator<Uint8Array> {
  yield header;
  for (const { encode } of parts) yield* encode();
}

/** The published tensors, each with the shape that it must have. */
class BertSource {
  readonly #file: FileHandle;
  readonly #tensors: ReadonlyMap<string, SafetensorsTensor>;
  readonly #read = new Set<string>();

  constructor(file: FileHandle, tensors: readonly SafetensorsTensor[]) {
    this.#file = file;
    this.#tensors = new Map(tensors.map((tensor) => [tensor.name.replace(/^bert\./, ""), tensor]));
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  shapeOf(name: string): readonly number[] {
    return this.#find(name).shape;
  }

  /** @returns reads `count` weights of it, by default all */
  claim(name: string, shape: readonly number[]): (from?: number, count?: number) => Promise<Float32Array> {
    const tensor = this.#find(name);
    if (tensor.shape.join() !== shape.join()) throw notBert(`${name} has an odd shape`);
    this.#read.add(name);
    return (from = 0, count = countOf(shape)) => readWeights(this.#file, tensor, { from, count });
  }

  listUnread(): readonly string[] {
    return [...this.#tensors.keys()].filter((name) => !this.#read.has(name));
  }

  #find(name: string): SafetensorsTensor {
    const tensor = this.#tensors.get(name);
    if (tensor === undefined) throw notBert(`it has no ${name}`);
    if (tensor.dtype !== "F32") throw notBert(`${name} holds no floats`);
    return tensor;
  }
}

function describeModel(source: BertSource, parameters: BertConversionOptions["parameters"]): BertConfig {
  const { headCount: heads, layerNormEpsilon: normEpsilon } = parameters;
  const [vocabularySize = 0, width = 0] = source.shapeOf("embeddings.word_embeddings.weight");
  const [positions = 0] = source.shapeOf("embeddings.position_embeddings.weight");
  const [feedForward = 0] = source.shapeOf("encoder.layer.0.intermediate.dense.weight");
  let layers = 0;
  while (source.has(`encoder.layer.${layers}.intermediate.dense.weight`)) layers += 1;
  if (width % EMBEDDING_BLOCK_WEIGHTS !== 0 || width % heads !== 0) throw notBert(`its width of ${width} is odd`);
  return { width, heads, layers, feedForward, positions, vocabularySize, normEpsilon };
}

function planParts(source: BertSource, { width, feedForward, layers, ...config }: BertConfig): readonly Part[] {
  const product = (target: string, names: readonly string[], [inputs, outputs]: readonly [number, number]): Part =>
    planProduct(source, { target, names, inputs, outputs });
  const norm = (target: string, name: string): Part => planNorm(source, { target, name, width });
  const parts = [
    planWords(source, [config.vocabularySize, width]),
    planPositions(source, [config.positions, width]),
    norm(BERT_EMBEDDINGS.norm, "embeddings.LayerNorm"),
  ];
  for (let layer = 0; layer < layers; layer += 1) {
    const prefix = `encoder.layer.${layer}`;
    const names = nameBertLayer(layer);
    const attention = ["query", "key", "value"].map((name) => `${prefix}.attention.self.${name}`);
    parts.push(
      product(names.attentionInput, attention, [width, width]),
      product(names.attentionOutput, [`${prefix}.attention.output.dense`], [width, width]),
      norm(names.attentionNorm, `${prefix}.attention.output.LayerNorm`),
      product(names.feedForwardInput, [`${prefix}.intermediate.dense`], [width, feedForward]),
      product(names.feedForwardOutput, [`${prefix}.output.dense`], [feedForward, width]),
      norm(names.feedForwardNorm, `${prefix}.output.LayerNorm`),
    );
  }
  return parts;
}

function planWords(source: BertSource, [tokens, width]: readonly [number, number]): Part {
  const read = source.claim("embeddings.word_embeddings.weight", [tokens, width]);
  const total = tokens * width;
  return {
    tensors: [
      { name: BERT_EMBEDDINGS.words, dtype: "U8", shape: [tokens, width] },
      { name: BERT_EMBEDDINGS.wordScales, dtype: "F32", shape: [tokens, width / EMBEDDING_BLOCK_WEIGHTS] },
    ],
    async *encode() {
      const scales: Buffer[] = [];
      for (let from = 0; from < total; from += CHUNK_WEIGHTS) {
        const weights = await read(from, Math.min(CHUNK_WEIGHTS, total - from));
        const quantised = quantiseBlocks(weights, EMBEDDING_BLOCK_WEIGHTS);
        scales.push(encodeFloats(quantised.scales));
        yield quantised.values;
      }
      yield* scales;
    },
  };
}

/** All tokens of a text are of the first type. */
function planPositions(source: BertSource, shape: readonly [number, number]): Part {
  const types = source.shapeOf("embeddings.token_type_embeddings.weight");
  const read = source.claim("embeddings.position_embeddings.weight", shape);
  const readTypes = source.claim("embeddings.token_type_embeddings.weight", types);
  const [, width] = shape;
  if (types.length !== 2 || types[0] === 0 || types[1] !== width) throw notBert("its token types have an odd shape");
  return {
    tensors: [{ name: BERT_EMBEDDINGS.positions, dtype: "F32", shape }],
    async *encode() {
      const first = await readTypes(0, width);
      const positions = await read();
      yield encodeFloats(positions.map((value, index) => value + (first[index % width] ?? 0)));
    },
  };
}

function planNorm(
  source: BertSource,
  { target, name, width }: { readonly target: string; readonly name: string; readonly width: number },
): Part {
  const [gamma, beta] = [source.claim(`${name}.weight`, [width]), source.claim(`${name}.bias`, [width])];
  return {
    tensors: [
      { name: `${target}/gamma`, dtype: "F32", shape: [width] },
      { name: `${target}/beta`, dtype: "F32", shape: [width] },
    ],
    async *encode() {
      yield encodeFloats(await gamma());
      yield encodeFloats(await beta());
    },
  };
}

interface ProductPlan {
  readonly target: string;
  /** Their outputs stand one after the other. */
  readonly names: readonly string[];
  readonly inputs: number;
  /** Of each. */
  readonly outputs: number;
}

/** A scale for each output; a row for each input, as ONNX multiplies. */
function planProduct(source: BertSource, { target, names, inputs, outputs }: ProductPlan): Part {
  const weights = names.map((name) => source.claim(`${name}.weight`, [outputs, inputs]));
  const biases = names.map((name) => source.claim(`${name}.bias`, [outputs]));
  const columns = outputs * names.length;
  return {
    tensors: [
      { name: `${target}/weight`, dtype: "U8", shape: [inputs, columns] },
      { name: `${target}/scale`, dtype: "F32", shape: [columns] },
      { name: `${target}/bias`, dtype: "F32", shape: [columns] },
    ],
    async *encode() {
      const values = new Uint8Array(inputs * columns);
      const scales: Buffer[] = [];
      for (const [part, read] of weights.entries()) {
        const quantised = quantiseBlocks(await read(), inputs);
        scales.push(encodeFloats(quantised.scales));
        for (const [index, value] of quantised.values.entries()) {
          const [output, input] = [Math.floor(index / inputs), index % inputs];
          values[input * columns + part * outputs + output] = value;
        }
      }
      yield values;
      yield* scales;
      for (const read of biases) yield encodeFloats(await read());
    },
  };
}

function countOf(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

function notBert(reason: string): AiError {
  return new AiError("invalid_value", `The model is no BERT encoder that can be converted: ${reason}.`);
}
