/** What encoder and decoder are built from: Whisper's layers as nodes of a graph, their weights in the checkpoint. */

import { AiError } from "@openai-compat/core";
import { MICROSOFT_DOMAIN, OnnxGraph } from "../onnx/onnx-graph.ts";
import type { OnnxShape } from "../onnx/onnx-graph.ts";
import type { SafetensorsTensor, SafetensorsType } from "../models/convert/safetensors.ts";
import type { WhisperCheckpoint } from "./whisper-checkpoint.ts";
import { QUANTISED_BLOCK_WEIGHTS } from "./whisper-config.ts";

/** Activations are quantised too, which CPUs multiply fastest. */
const ACCURACY_8_BIT = 4;
const NORM_EPSILON = 1e-5;

export class WhisperLayers {
  readonly graph = new OnnxGraph();
  readonly #checkpoint: WhisperCheckpoint;

  constructor(checkpoint: WhisperCheckpoint) {
    this.#checkpoint = checkpoint;
  }

  /** A tensor of the checkpoint as it is; `shape` where the graph needs another one. */
  weights(name: string, dtype: SafetensorsType, shape?: readonly number[]): string {
    const tensor = this.#find(name, dtype);
    const { fileName } = this.#checkpoint;
    return this.graph.addExternal({
      type: dtype === "U8" ? "uint8" : "float",
      shape: shape ?? tensor.shape,
      fileName,
      offsetBytes: tensor.start,
      sizeBytes: tensor.sizeBytes,
    });
  }

  /** A vector of the checkpoint, whatever shape it has there. */
  vector(name: string): string {
    const { sizeBytes } = this.#find(name, "F32");
    return this.weights(name, "F32", [sizeBytes / 4]);
  }

  node(operator: string, ...inputs: readonly string[]): string {
    return this.graph.addNode(operator, { inputs });
  }

  norm(input: string, prefix: string): string {
    return this.graph.addNode("LayerNormalization", {
      inputs: [input, this.vector(`${prefix}/gamma`), this.vector(`${prefix}/beta`)],
      attributes: { epsilon: { float: NORM_EPSILON }, axis: -1 },
    });
  }

  /** A product with a quantised matrix of the checkpoint. */
  multiply(input: string, name: string): string {
    const [rows = 0, columns = 0] = this.#find(name, "U8").shape;
    const blocks = columns / QUANTISED_BLOCK_WEIGHTS;
    return this.graph.addNode("MatMulNBits", {
      inputs: [
        input,
        this.weights(name, "U8", [rows, blocks, QUANTISED_BLOCK_WEIGHTS]),
        this.weights(`${name}_scale`, "F32", [rows * blocks]),
      ],
      attributes: {
        K: columns,
        N: rows,
        bits: 8,
        block_size: QUANTISED_BLOCK_WEIGHTS,
        accuracy_level: ACCURACY_8_BIT,
      },
      domain: MICROSOFT_DOMAIN,
    });
  }

  linear(input: string, prefix: string): string {
    return this.node("Add", this.multiply(input, `${prefix}/weight`), this.vector(`${prefix}/bias`));
  }

  /** Rows of the token embeddings. */
  embed(tokens: string): string {
    const name = "decoder/embeddings/weight";
    return this.graph.addNode("GatherBlockQuantized", {
      inputs: [this.weights(name, "U8"), tokens, this.weights(`${name}_scale`, "F32")],
      attributes: { block_size: QUANTISED_BLOCK_WEIGHTS, bits: 8, gather_axis: 0, quantize_axis: 1 },
      domain: MICROSOFT_DOMAIN,
    });
  }

  /** Self-attention's queries, keys and values. @param outputs their names */
  projections(input: string, prefix: string, outputs?: readonly string[]): readonly string[] {
    return this.split(this.linear(this.norm(input, `${prefix}/layer_norm`), `${prefix}/linear_0`), 3, outputs);
  }

  split(input: string, count: number, outputs?: readonly string[]): readonly string[] {
    const attributes = { axis: -1, num_outputs: count };
    return this.graph.addNodes("Split", { inputs: [input], attributes, ...(outputs && { outputs }) }, count);
  }

  feedForward(input: string, prefix: string): string {
    const hidden = this.linear(this.norm(input, `${prefix}/layer_norm`), `${prefix}/linear_0`);
    return this.node("Add", input, this.linear(this.node("Gelu", hidden), `${prefix}/linear_1`));
  }

  /** [batch, rows, width] → [batch, rows, heads, width of a head], in another order. */
  heads(input: string, order: readonly number[]): string {
    const { heads, width } = this.#checkpoint.config;
    const apart = this.node("Reshape", input, this.graph.addIntegers([0, 0, heads, width / heads]));
    return this.graph.addNode("Transpose", { inputs: [apart], attributes: { perm: order } });
  }

  output(input: string, name: string, shape: OnnxShape): void {
    this.graph.addNode("Identity", { inputs: [input], outputs: [name] });
    this.graph.addOutput(name, "float", shape);
  }

  #find(name: string, dtype: SafetensorsType): SafetensorsTensor {
    const tensor = this.#checkpoint.tensors.get(name);
    if (tensor?.dtype === dtype) return tensor;
    throw new AiError("engine_unavailable", `The model file lacks the weights ${name}.`);
  }
}
