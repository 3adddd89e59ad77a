/** Embeddings for a model of an upstream. */

import { z } from "zod";
import { common, countInputs, defineJsonDecoder } from "../upstream/decode-json.ts";

export const decodeUpstreamEmbedding = defineJsonDecoder("createEmbedding", {
  schema: z.looseObject({ ...common, input: z.union([z.string(), z.array(z.unknown()).min(1)]) }),
  measure: (wire) => ({ prompts: countInputs(wire["input"]), answers: 1 }),
});
