/** The graph of Whisper's decoder: several texts side by side, each continued by any number of tokens at once. */

import { MICROSOFT_DOMAIN } from "../onnx/onnx-graph.ts";
import type { WhisperCheckpoint } from "./whisper-checkpoint.ts";
import { WhisperLayers } from "./whisper-layers.ts";

/**
 * `tokens` [texts, count], `parents` [texts]: which text of the step before each one continues, for each layer i `k_i`,
 * `v_i` [texts before, heads, past, 64] and what the encoder gives →
 *
 * - `logits` [texts, vocabulary] of what follows the last token
 * - `new_k_i`, `new_v_i` [texts, heads, past + count, 64]
 * - `attention` [texts, alignment heads, count, positions]: which part of the audio each token follows
 */
export function buildDecoderGraph(checkpoint: WhisperCheckpoint): Buffer {
  const { config } = checkpoint;
  const { heads, decoderLayers, alignmentHeads, vocabularySize } = config;
  const headWidth = config.width / heads;
  const layers = new WhisperLayers(checkpoint);
  const { graph } = layers;
  const tokens = graph.addInput("tokens", "int64", ["texts", "count"]);
  const parents = graph.addInput("parents", "int64", ["texts"]);
  for (let index = 0; index < decoderLayers; index += 1) {
    graph.addInput(`k_${index}`, "float", ["before", heads, "past", headWidth]);
    graph.addInput(`v_${index}`, "float", ["before", heads, "past", headWidth]);
    graph.addInput(`cross_k_${index}`, "float", [1, heads, headWidth, "positions"]);
    graph.addInput(`cross_v_${index}`, "float", [1, heads, "positions", headWidth]);
  }
  let state = layers.node("Add", layers.embed(tokens), readPositions(layers, tokens));
  const attentions: string[] = [];
  for (let index = 0; index < decoderLayers; index += 1) {
    const prefix = `decoder/layer_${index}`;
    state = attendToTokens(layers, state, { index, heads, parents });
    for (const cached of ["k", "v"]) {
      graph.addOutput(`new_${cached}_${index}`, "float", ["texts", heads, "total", headWidth]);
    }
    const { attended, weights } = attendToAudio(layers, state, { index, headWidth });
    const wanted = alignmentHeads.filter(([layer]) => layer === index).map(([, head]) => head);
    if (wanted.length > 0) {
      const inputs = [weights, graph.addIntegers(wanted)];
      attentions.push(graph.addNode("Gather", { inputs, attributes: { axis: 1 } }));
    }
    state = layers.feedForward(attended, `${prefix}/ffn`);
  }
  graph.addNode("Concat", { inputs: attentions, attributes: { axis: 1 }, outputs: ["attention"] });
  graph.addOutput("attention", "float", ["texts", alignmentHeads.length, "count", "positions"]);
  const [first, end, axis] = [graph.addIntegers([-1]), graph.addIntegers([2 ** 31]), graph.addIntegers([1])];
  const last = layers.node("Slice", layers.norm(state, "decoder/layer_norm"), first, end, axis);
  const logits = layers.multiply(last, "decoder/embeddings/weight");
  graph.addNode("Reshape", { inputs: [logits, graph.addIntegers([-1, vocabularySize])], outputs: ["logits"] });
  graph.addOutput("logits", "float", ["texts", vocabularySize]);
  return graph.encode();
}

/** Encodings of the positions from the number of cached tokens on. */
function readPositions(layers: WhisperLayers, tokens: string): string {
  const { graph } = layers;
  const [zero, one, two, three] = [0, 1, 2, 3].map((value) => graph.addIntegers([value]));
  const sizeOf = (tensor: string, axis: string | undefined, end: string | undefined): string =>
    layers.node("Slice", layers.node("Shape", tensor), axis ?? "", end ?? "");
  const from = sizeOf("k_0", two, three);
  const to = layers.node("Add", from, sizeOf(tokens, one, two));
  return layers.node("Slice", layers.weights("decoder/position_encodings/encodings", "F32"), from, to, zero ?? "");
}

function attendToTokens(
  layers: WhisperLayers,
  state: string,
  { index, heads, parents }: { readonly index: number; readonly heads: number; readonly parents: string },
): string {
  const prefix = `decoder/layer_${index}/self_attention`;
  const past = [`k_${index}`, `v_${index}`].map((cached) => layers.node("Gather", cached, parents));
  const outputs = [`self_${index}`, `new_k_${index}`, `new_v_${index}`];
  layers.graph.addNodes(
    "MultiHeadAttention",
    {
      inputs: [...layers.projections(state, prefix), "", "", "", ...past],
      attributes: { num_heads: heads, unidirectional: 1 },
      outputs,
      domain: MICROSOFT_DOMAIN,
    },
    outputs.length,
  );
  return layers.node("Add", state, layers.linear(`self_${index}`, `${prefix}/linear_1`));
}

/** Written out, because the fused operator does not give the weights. */
function attendToAudio(
  layers: WhisperLayers,
  state: string,
  { index, headWidth }: { readonly index: number; readonly headWidth: number },
): { readonly attended: string; readonly weights: string } {
  const { graph } = layers;
  const prefix = `decoder/layer_${index}/attention`;
  const projected = layers.linear(layers.norm(state, `${prefix}/layer_norm`), `${prefix}/linear_0`);
  const queries = layers.node("Mul", layers.heads(projected, [0, 2, 1, 3]), graph.addFloats([headWidth ** -0.5]));
  const scores = layers.node("MatMul", queries, `cross_k_${index}`);
  const weights = graph.addNode("Softmax", { inputs: [scores], attributes: { axis: -1 } });
  const mixed = layers.node("MatMul", weights, `cross_v_${index}`);
  const together = graph.addNode("Transpose", { inputs: [mixed], attributes: { perm: [0, 2, 1, 3] } });
  const joined = layers.node("Reshape", together, graph.addIntegers([0, 0, -1]));
  const attended = layers.node("Add", state, layers.linear(joined, `${prefix}/linear_2`));
  return { attended, weights };
}
