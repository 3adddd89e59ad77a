/** The graph of Whisper's decoder: any number of tokens at once after those whose keys and values it is given. */

import { MICROSOFT_DOMAIN } from "../onnx/onnx-graph.ts";
import type { WhisperCheckpoint } from "./whisper-checkpoint.ts";
import { WhisperLayers } from "./whisper-layers.ts";

/**
 * `tokens` [count], for each layer i `k_i`, `v_i` [1, heads, past, 64] and what the encoder gives →
 *
 * - `logits` [vocabulary] of what follows the last token
 * - `new_k_i`, `new_v_i`: those of before and these
 * - `attention` [alignment heads, count, positions]: which part of the audio each token follows
 */
export function buildDecoderGraph(checkpoint: WhisperCheckpoint): Buffer {
  const { config } = checkpoint;
  const { heads, decoderLayers, alignmentHeads, vocabularySize } = config;
  const headWidth = config.width / heads;
  const layers = new WhisperLayers(checkpoint);
  const { graph } = layers;
  const tokens = graph.addInput("tokens", "int64", ["count"]);
  for (let index = 0; index < decoderLayers; index += 1) {
    graph.addInput(`k_${index}`, "float", [1, heads, "past", headWidth]);
    graph.addInput(`v_${index}`, "float", [1, heads, "past", headWidth]);
    graph.addInput(`cross_k_${index}`, "float", [heads, headWidth, "positions"]);
    graph.addInput(`cross_v_${index}`, "float", [heads, "positions", headWidth]);
  }
  let state = layers.node("Add", layers.embed(tokens), readPositions(layers, tokens));
  const attentions: string[] = [];
  for (let index = 0; index < decoderLayers; index += 1) {
    const prefix = `decoder/layer_${index}`;
    state = attendToTokens(layers, state, { index, heads });
    for (const cached of ["k", "v"]) {
      graph.addOutput(`new_${cached}_${index}`, "float", [1, heads, "total", headWidth]);
    }
    const { attended, weights } = attendToAudio(layers, state, { index, headWidth });
    const wanted = alignmentHeads.filter(([layer]) => layer === index).map(([, head]) => head);
    if (wanted.length > 0) attentions.push(layers.node("Gather", weights, graph.addIntegers(wanted)));
    state = layers.feedForward(attended, `${prefix}/ffn`);
  }
  graph.addNode("Concat", { inputs: attentions, attributes: { axis: 0 }, outputs: ["attention"] });
  graph.addOutput("attention", "float", [alignmentHeads.length, "count", "positions"]);
  const [first, end, axis] = [graph.addIntegers([-1]), graph.addIntegers([2 ** 31]), graph.addIntegers([0])];
  const last = layers.node("Slice", layers.norm(state, "decoder/layer_norm"), first, end, axis);
  const logits = layers.multiply(last, "decoder/embeddings/weight");
  graph.addNode("Reshape", { inputs: [logits, graph.addIntegers([vocabularySize])], outputs: ["logits"] });
  graph.addOutput("logits", "float", [vocabularySize]);
  return graph.encode();
}

/** Encodings of the positions from the number of cached tokens on. */
function readPositions(layers: WhisperLayers, tokens: string): string {
  const { graph } = layers;
  const [two, three, zero] = [graph.addIntegers([2]), graph.addIntegers([3]), graph.addIntegers([0])];
  const from = layers.node("Slice", layers.node("Shape", "k_0"), two, three);
  const to = layers.node("Add", from, layers.node("Shape", tokens));
  return layers.node("Slice", layers.weights("decoder/position_encodings/encodings", "F32"), from, to, zero);
}

function attendToTokens(
  layers: WhisperLayers,
  state: string,
  { index, heads }: { readonly index: number; readonly heads: number },
): string {
  const prefix = `decoder/layer_${index}/self_attention`;
  const outputs = [`self_${index}`, `new_k_${index}`, `new_v_${index}`];
  layers.graph.addNodes(
    "MultiHeadAttention",
    {
      inputs: [...layers.projections(state, prefix), "", "", "", `k_${index}`, `v_${index}`],
      attributes: { num_heads: heads, unidirectional: 1 },
      outputs,
      domain: MICROSOFT_DOMAIN,
    },
    outputs.length,
  );
  return layers.node("Add", state, layers.linear(layers.flatten(`self_${index}`), `${prefix}/linear_1`));
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
  const queries = layers.node("Mul", layers.heads(projected, [1, 0, 2]), graph.addFloats([headWidth ** -0.5]));
  const scores = layers.node("MatMul", queries, `cross_k_${index}`);
  const weights = graph.addNode("Softmax", { inputs: [scores], attributes: { axis: -1 } });
  const mixed = layers.node("MatMul", weights, `cross_v_${index}`);
  const together = graph.addNode("Transpose", { inputs: [mixed], attributes: { perm: [1, 0, 2] } });
  const attended = layers.node("Add", state, layers.linear(layers.flatten(together), `${prefix}/linear_2`));
  return { attended, weights };
}
