/**
 * The graph of a BERT sentence encoder. The feed-forward layers and the output of the attention are products of 8-bit
 * integers, with a scale for each row of activations: a row's result is the same whatever rows it is computed with.
 * Queries, keys and values are products of floats, because their 8-bit activations cost half of the precision.
 *
 * @see docs/decisions/2026-11-30-embeddings-run-on-onnx-runtime.md for what was measured
 */

import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import path from "node:path";
import { MICROSOFT_DOMAIN, OnnxGraph } from "../onnx/onnx-graph.ts";
import type { BertCheckpoint } from "./bert-checkpoint.ts";
import { BERT_EMBEDDINGS, EMBEDDING_BLOCK_WEIGHTS, nameBertLayer } from "./bert-config.ts";

/** Weights and activations are unsigned, and this is 0. */
const ZERO_POINT = 128;
const ACTIVATION_STEPS = 127;
/** A row of zeros has no scale. */
const ROW_MAX_MIN = 1e-9;

/**
 * `tokens` [texts, tokens] of integers, `mask` [texts, tokens] (1: a token, 0: padding) and `shares` [texts, 1, tokens]
 * (what each token weighs in its text's mean) → `vectors` [texts, 1, width]
 */
export async function buildBertGraph(checkpoint: BertCheckpoint): Promise<Buffer> {
  await using file = await open(checkpoint.modelPath, "r");
  const layers = new BertLayers(checkpoint, file);
  const { graph } = layers;
  const tokens = graph.addInput("tokens", "int64", ["texts", "tokens"]);
  const mask = graph.addInput("mask", "int32", ["texts", "tokens"]);
  const shares = graph.addInput("shares", "float", ["texts", 1, "tokens"]);
  let state = layers.embed(tokens);
  for (let index = 0; index < checkpoint.config.layers; index += 1) {
    state = await layers.encode(state, { index, mask });
  }
  graph.addNode("MatMul", { inputs: [shares, state], outputs: ["vectors"] });
  graph.addOutput("vectors", "float", ["texts", 1, checkpoint.config.width]);
  return graph.encode();
}

/** A product whose bias is still to be added. */
interface Product {
  readonly product: string;
  readonly bias: string;
}

class BertLayers {
  readonly graph = new OnnxGraph();
  readonly #checkpoint: BertCheckpoint;
  readonly #file: FileHandle;
  readonly #one: string;
  readonly #zeroPoint: string;

  constructor(checkpoint: BertCheckpoint, file: FileHandle) {
    this.#checkpoint = checkpoint;
    this.#file = file;
    this.#one = this.graph.addFloats([1], []);
    this.#zeroPoint = this.graph.addBytes(Uint8Array.of(ZERO_POINT), []);
  }

  embed(tokens: string): string {
    const { graph } = this;
    const words = graph.addNode("GatherBlockQuantized", {
      inputs: [this.#weights(BERT_EMBEDDINGS.words, "U8"), tokens, this.#weights(BERT_EMBEDDINGS.wordScales, "F32")],
      attributes: { block_size: EMBEDDING_BLOCK_WEIGHTS, bits: 8, gather_axis: 0, quantize_axis: 1 },
      domain: MICROSOFT_DOMAIN,
    });
    const [zero, one, two] = [graph.addIntegers([0]), graph.addIntegers([1]), graph.addIntegers([2])];
    const length = this.#node("Slice", this.#node("Shape", tokens), one, two);
    const positions = this.#node("Slice", this.#weights(BERT_EMBEDDINGS.positions, "F32"), zero, length, zero);
    return graph.addNode("LayerNormalization", {
      inputs: [this.#node("Add", words, positions), ...this.#normWeights(BERT_EMBEDDINGS.norm)],
      attributes: { epsilon: { float: this.#checkpoint.config.normEpsilon }, axis: -1 },
    });
  }

  async encode(input: string, { index, mask }: { readonly index: number; readonly mask: string }): Promise<string> {
    const names = nameBertLayer(index);
    const attended = this.graph.addNode("MultiHeadAttention", {
      inputs: [...(await this.#project(input, names.attentionInput)), "", mask],
      attributes: { num_heads: this.#checkpoint.config.heads },
      domain: MICROSOFT_DOMAIN,
    });
    const state = this.#addAndNorm(this.#multiply(attended, names.attentionOutput), input, names.attentionNorm);
    const hidden = this.#multiply(state, names.feedForwardInput);
    const activated = this.graph.addNode("BiasGelu", {
      inputs: [hidden.product, hidden.bias],
      domain: MICROSOFT_DOMAIN,
    });
    return this.#addAndNorm(this.#multiply(activated, names.feedForwardOutput), state, names.feedForwardNorm);
  }

  /** Queries, keys and values: the weights become floats here, once. */
  async #project(input: string, name: string): Promise<readonly string[]> {
    const weight = this.#checkpoint.find(`${name}/weight`, "U8");
    const scale = this.#checkpoint.find(`${name}/scale`, "F32");
    const values = await this.#read(weight);
    const scaleBytes = await this.#read(scale);
    const scales = Float32Array.from({ length: scale.sizeBytes / 4 }, (_, at) => scaleBytes.readFloatLE(at * 4));
    const floats = Float32Array.from(values, (value, at) => (value - ZERO_POINT) * (scales[at % scales.length] ?? 0));
    const product = this.#node("MatMul", input, this.graph.addFloats(floats, weight.shape));
    const biased = this.#node("Add", product, this.#weights(`${name}/bias`, "F32"));
    return this.graph.addNodes("Split", { inputs: [biased], attributes: { axis: -1, num_outputs: 3 } }, 3);
  }

  #multiply(input: string, name: string): Product {
    const { graph } = this;
    const largest = graph.addNode("ReduceMax", {
      inputs: [this.#node("Abs", input), graph.addIntegers([-1])],
      attributes: { keepdims: 1 },
    });
    const bounded = this.#node("Max", largest, graph.addFloats([ROW_MAX_MIN]));
    const rowScale = this.#node("Mul", bounded, graph.addFloats([1 / ACTIVATION_STEPS]));
    const rows = this.#node("QuantizeLinear", this.#node("Div", input, rowScale), this.#one, this.#zeroPoint);
    const scale = this.#checkpoint.find(`${name}/scale`, "F32");
    const zeroPoints = new Uint8Array(scale.sizeBytes / 4).fill(ZERO_POINT);
    const product = graph.addNode("MatMulIntegerToFloat", {
      inputs: [
        rows,
        this.#weights(`${name}/weight`, "U8"),
        this.#one,
        this.#weights(`${name}/scale`, "F32"),
        this.#zeroPoint,
        graph.addBytes(zeroPoints),
      ],
      domain: MICROSOFT_DOMAIN,
    });
    return { product: this.#node("Mul", product, rowScale), bias: this.#weights(`${name}/bias`, "F32") };
  }

  #addAndNorm({ product, bias }: Product, input: string, name: string): string {
    return this.graph.addNode("SkipLayerNormalization", {
      inputs: [product, input, ...this.#normWeights(name), bias],
      attributes: { epsilon: { float: this.#checkpoint.config.normEpsilon } },
      domain: MICROSOFT_DOMAIN,
    });
  }

  #normWeights(name: string): readonly string[] {
    return [this.#weights(`${name}/gamma`, "F32"), this.#weights(`${name}/beta`, "F32")];
  }

  #node(operator: string, ...inputs: readonly string[]): string {
    return this.graph.addNode(operator, { inputs });
  }

  /** A tensor of the file, which stays there. */
  #weights(name: string, dtype: "U8" | "F32"): string {
    const { shape, start, sizeBytes } = this.#checkpoint.find(name, dtype);
    const fileName = path.basename(this.#checkpoint.modelPath);
    return this.graph.addExternal({
      type: dtype === "U8" ? "uint8" : "float",
      shape,
      fileName,
      offsetBytes: start,
      sizeBytes,
    });
  }

  async #read({ start, sizeBytes }: { readonly start: number; readonly sizeBytes: number }): Promise<Buffer> {
    const bytes = Buffer.alloc(sizeBytes);
    const { bytesRead } = await this.#file.read(bytes, 0, sizeBytes, start);
    if (bytesRead !== sizeBytes) throw new Error("The model file was cut while it was read.");
    return bytes;
  }
}
