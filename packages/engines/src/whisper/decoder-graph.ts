/** The graph of Whisper's decoder: several texts side by side, each continued by any number of tokens at once. */

import { MICROSOFT_DOMAIN } from "../onnx/onnx-graph.ts";
import type { WhisperCheckpoint } from "./whisper-checkpoint.ts";
import type { WhisperConfig } from "./whisper-config.ts";
import { WhisperLayers } from "./whisper-layers.ts";

/**
 * `tokens` [texts, count], `past` [texts, heads, past]: where the text so far lies in the caches, `likeliest` [1]: how
 * many tokens to list, for each layer i the caches `k_i`, `v_i` [rows × heads, 64] and what the encoder gives →
 *
 * - `logits` [texts, vocabulary] of what follows the last token
 * - `likeliest_logits`, `likeliest_tokens` [texts, likeliest]: of the text tokens that may be sampled, the end included
 * - `text_norm` [texts, 1]: the logarithm of the sum of their exponentials, of all of them
 * - `end_logit` [texts, 1]
 * - `timestamps` [texts, timestamps]: logits
 * - `new_k_i`, `new_v_i` [texts, count, heads × 64]: what belongs into the caches
 * - `attention` [alignment heads, texts, count, positions]: which part of the audio each token follows
 */
export function buildDecoderGraph(checkpoint: WhisperCheckpoint): Buffer {
  const { config } = checkpoint;
  const { heads, decoderLayers, alignmentHeads } = config;
  const headWidth = config.width / heads;
  const layers = new WhisperLayers(checkpoint);
  const { graph } = layers;
  const tokens = graph.addInput("tokens", "int64", ["texts", "count"]);
  const past = graph.addInput("past", "int32", ["texts", heads, "past"]);
  for (let index = 0; index < decoderLayers; index += 1) {
    graph.addInput(`k_${index}`, "float", ["rows", headWidth]);
    graph.addInput(`v_${index}`, "float", ["rows", headWidth]);
    graph.addInput(`cross_k_${index}`, "float", [heads, 1, headWidth, "positions"]);
    graph.addInput(`cross_v_${index}`, "float", [heads, 1, "positions", headWidth]);
  }
  let state = layers.node("Add", layers.embed(tokens), readPositions(layers, tokens, past));
  const attentions: string[] = [];
  for (let index = 0; index < decoderLayers; index += 1) {
    const prefix = `decoder/layer_${index}`;
    state = attendToTokens(layers, state, { index, heads, past });
    for (const cached of ["k", "v"]) {
      graph.addOutput(`new_${cached}_${index}`, "float", ["texts", "count", config.width]);
    }
    const { attended, weights } = attendToAudio(layers, state, { index, headWidth });
    const wanted = alignmentHeads.filter(([layer]) => layer === index).map(([, head]) => head);
    if (wanted.length > 0) {
      const inputs = [weights, graph.addIntegers(wanted)];
      attentions.push(graph.addNode("Gather", { inputs, attributes: { axis: 0 } }));
    }
    state = layers.feedForward(attended, `${prefix}/ffn`);
  }
  graph.addNode("Concat", { inputs: attentions, attributes: { axis: 0 }, outputs: ["attention"] });
  graph.addOutput("attention", "float", [alignmentHeads.length, "texts", "count", "positions"]);
  const [first, end, axis] = [graph.addIntegers([-1]), graph.addIntegers([2 ** 31]), graph.addIntegers([1])];
  const last = layers.node("Slice", layers.norm(state, "decoder/layer_norm"), first, end, axis);
  const logits = layers.multiply(last, "decoder/embeddings/weight");
  const shape = graph.addIntegers([-1, config.vocabularySize]);
  graph.addNode("Reshape", { inputs: [logits, shape], outputs: ["logits"] });
  graph.addOutput("logits", "float", ["texts", config.vocabularySize]);
  rankTokens(layers, config);
  return graph.encode();
}

/** So that a step does not give the vocabulary's logits to JavaScript, which took longer to go through them. */
function rankTokens({ graph }: WhisperLayers, { tokens, suppressed, vocabularySize }: WhisperConfig): void {
  const likeliest = graph.addInput("likeliest", "int64", [1]);
  const axis = graph.addIntegers([1]);
  const slice = (from: number, to: number, outputs?: readonly string[]): string => {
    const inputs = ["logits", graph.addIntegers([from]), graph.addIntegers([to]), axis];
    return graph.addNode("Slice", { inputs, ...(outputs && { outputs }) });
  };
  const mask = new Float32Array(tokens.startOfTranscript);
  for (const token of suppressed) mask[token] = -Infinity;
  const text = graph.addNode("Add", { inputs: [slice(0, mask.length), graph.addFloats(mask)] });
  graph.addNodes("TopK", { inputs: [text, likeliest], outputs: ["likeliest_logits", "likeliest_tokens"] }, 2);
  const largest = graph.addNode("ReduceMax", { inputs: [text, axis] });
  const shifted = graph.addNode("Sub", { inputs: [text, largest] });
  const sum = graph.addNode("ReduceSum", { inputs: [graph.addNode("Exp", { inputs: [shifted] }), axis] });
  graph.addNode("Add", { inputs: [graph.addNode("Log", { inputs: [sum] }), largest], outputs: ["text_norm"] });
  slice(tokens.endOfText, tokens.endOfText + 1, ["end_logit"]);
  slice(tokens.firstTimestamp, vocabularySize, ["timestamps"]);
  graph.addOutput("likeliest_logits", "float", ["texts", "listed"]);
  graph.addOutput("likeliest_tokens", "int64", ["texts", "listed"]);
  graph.addOutput("text_norm", "float", ["texts", 1]);
  graph.addOutput("end_logit", "float", ["texts", 1]);
  graph.addOutput("timestamps", "float", ["texts", vocabularySize - tokens.firstTimestamp]);
}

/** Encodings of the positions from the number of cached tokens on. */
function readPositions(layers: WhisperLayers, tokens: string, past: string): string {
  const { graph } = layers;
  const [zero, one, two, three] = [0, 1, 2, 3].map((value) => graph.addIntegers([value]));
  const sizeOf = (tensor: string, axis: string | undefined, end: string | undefined): string =>
    layers.node("Slice", layers.node("Shape", tensor), axis ?? "", end ?? "");
  const from = sizeOf(past, two, three);
  const to = layers.node("Add", from, sizeOf(tokens, one, two));
  return layers.node("Slice", layers.weights("decoder/position_encodings/encodings", "F32"), from, to, zero ?? "");
}

function attendToTokens(
  layers: WhisperLayers,
  state: string,
  { index, heads, past }: { readonly index: number; readonly heads: number; readonly past: string },
): string {
  const prefix = `decoder/layer_${index}/self_attention`;
  const outputs = [`self_${index}`, `all_k_${index}`, `all_v_${index}`];
  const names = [`queries_${index}`, `new_k_${index}`, `new_v_${index}`];
  const before = [`k_${index}`, `v_${index}`].map((cache) => layers.node("Gather", cache, past));
  layers.graph.addNodes(
    "MultiHeadAttention",
    {
      inputs: [...layers.projections(state, prefix, names), "", "", "", ...before],
      attributes: { num_heads: heads, unidirectional: 1 },
      outputs,
      domain: MICROSOFT_DOMAIN,
    },
    outputs.length,
  );
  return layers.node("Add", state, layers.linear(`self_${index}`, `${prefix}/linear_1`));
}

/**
 * Written out, because the fused operator does not give the weights. Heads come first: what all texts read of a head
 * then stays in the processor's cache from one text to the next. The queries are scaled before they are split into
 * heads: the runtime folds a scale next to a product into it, and such a product of one row takes four times as long.
 */
function attendToAudio(
  layers: WhisperLayers,
  state: string,
  { index, headWidth }: { readonly index: number; readonly headWidth: number },
): { readonly attended: string; readonly weights: string } {
  const { graph } = layers;
  const prefix = `decoder/layer_${index}/attention`;
  const projected = layers.linear(layers.norm(state, `${prefix}/layer_norm`), `${prefix}/linear_0`);
  const queries = layers.heads(layers.node("Mul", projected, graph.addFloats([headWidth ** -0.5])), [2, 0, 1, 3]);
  const scores = layers.node("MatMul", queries, `cross_k_${index}`);
  const weights = graph.addNode("Softmax", { inputs: [scores], attributes: { axis: -1 } });
  const mixed = layers.node("MatMul", weights, `cross_v_${index}`);
  const together = graph.addNode("Transpose", { inputs: [mixed], attributes: { perm: [1, 2, 0, 3] } });
  const joined = layers.node("Reshape", together, graph.addIntegers([0, 0, -1]));
  const attended = layers.node("Add", state, layers.linear(joined, `${prefix}/linear_2`));
  return { attended, weights };
}
