/** What a converted BERT encoder says of itself: sizes, and the names of its tensors. */

import { z } from "zod";

const count = z.int().min(1).max(1_000_000);

export const bertConfigSchema = z.strictObject({
  width: count.max(16_384),
  heads: count.max(256),
  layers: count.max(256),
  feedForward: count.max(65_536),
  /** The longest input, markers included. */
  positions: count.max(65_536),
  vocabularySize: count,
  normEpsilon: z.number().positive().max(1),
});

export type BertConfig = z.output<typeof bertConfigSchema>;

/** One token each; the index is the id. */
export const vocabularySchema = z.array(z.string()).min(1).max(1_000_000);

/** So many weights of a token's embedding share a scale. */
export const EMBEDDING_BLOCK_WEIGHTS = 16;

/** Keys of the artefact's metadata. */
export const BERT_METADATA = { format: "format", config: "bert", vocabulary: "vocabulary" } as const;
/** Another number: another graph would be needed to run the file. */
export const BERT_FORMAT = "openai-compat-bert-1";

/** Tensors that a text begins with. */
export const BERT_EMBEDDINGS = {
  /** U8 [tokens, width], and a scale for each block. */
  words: "words/weight",
  wordScales: "words/scale",
  /** F32 [positions, width]; the embedding of the only token type is added to each. */
  positions: "positions",
  norm: "norm",
} as const;

/**
 * Prefixes of a layer's tensors. A product has `weight` U8 [inputs, outputs], `scale` F32 [outputs] and `bias` F32
 * [outputs], a norm `gamma` and `beta`.
 */
export function nameBertLayer(layer: number) {
  const prefix = `layer_${layer}`;
  return {
    /** Queries, keys and values, one after the other. */
    attentionInput: `${prefix}/attention/input`,
    attentionOutput: `${prefix}/attention/output`,
    attentionNorm: `${prefix}/attention/norm`,
    feedForwardInput: `${prefix}/feed-forward/input`,
    feedForwardOutput: `${prefix}/feed-forward/output`,
    feedForwardNorm: `${prefix}/feed-forward/norm`,
  } as const;
}
