/** The graph of Whisper's encoder, and what the decoder's cross attention needs of its output for each layer. */

import { MICROSOFT_DOMAIN } from "../onnx/onnx-graph.ts";
import type { WhisperCheckpoint } from "./whisper-checkpoint.ts";
import { WhisperLayers } from "./whisper-layers.ts";

/** `mel` [1, bands, frames] → for each layer i of the decoder `cross_k_i` [heads, 1, 64, positions], `cross_v_i` [heads, 1, positions, 64] */
export function buildEncoderGraph(checkpoint: WhisperCheckpoint): Buffer {
  const { config } = checkpoint;
  const layers = new WhisperLayers(checkpoint);
  const { graph } = layers;
  const mel = graph.addInput("mel", "float", [1, config.mels, "frames"]);
  let state = mel;
  for (const stride of [1, 2]) {
    const name = `encoder/conv${stride}`;
    const convolved = graph.addNode("Conv", {
      inputs: [state, layers.weights(`${name}/weight`, "F32"), layers.vector(`${name}/bias`)],
      attributes: { pads: [1, 1], strides: [stride] },
    });
    state = layers.node("Gelu", convolved);
  }
  state = graph.addNode("Transpose", { inputs: [state], attributes: { perm: [0, 2, 1] } });
  const [zero, one, two] = [graph.addIntegers([0]), graph.addIntegers([1]), graph.addIntegers([2])];
  const positions = layers.node("Slice", layers.node("Shape", state), one, two);
  const encodings = layers.weights("encoder/position_encodings/encodings", "F32");
  state = layers.node("Add", state, layers.node("Slice", encodings, zero, positions, zero));
  for (let index = 0; index < config.encoderLayers; index += 1) {
    const prefix = `encoder/layer_${index}`;
    const attended = graph.addNode("MultiHeadAttention", {
      inputs: layers.projections(state, `${prefix}/self_attention`),
      attributes: { num_heads: config.heads },
      domain: MICROSOFT_DOMAIN,
    });
    state = layers.node("Add", state, layers.linear(attended, `${prefix}/self_attention/linear_1`));
    state = layers.feedForward(state, `${prefix}/ffn`);
  }
  state = layers.norm(state, "encoder/layer_norm");
  const headWidth = config.width / config.heads;
  for (let index = 0; index < config.decoderLayers; index += 1) {
    const [keys = "", values = ""] = layers.split(layers.linear(state, `decoder/layer_${index}/attention/linear_1`), 2);
    const shape = [config.heads, 1];
    layers.output(layers.heads(keys, [2, 0, 3, 1]), `cross_k_${index}`, [...shape, headWidth, "positions"]);
    layers.output(layers.heads(values, [2, 0, 1, 3]), `cross_v_${index}`, [...shape, "positions", headWidth]);
  }
  return graph.encode();
}
