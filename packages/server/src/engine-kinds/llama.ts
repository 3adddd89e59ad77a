/** The engine kind `llama`: local models, run by llama.cpp. */

import { z } from "zod";
import { count } from "../settings/units.ts";

/** Of those that the request can give too, in the same ranges. */
const samplingSchema = z.strictObject({
  temperature: z.number().min(0).max(2).optional().describe("0: always the likeliest token."),
  topP: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe("Tokens are sampled from the likeliest with this probability together."),
  topK: z
    .int()
    .min(0)
    .max(1_000_000)
    .optional()
    .describe("Tokens are sampled from so many of the likeliest; 0: no limit."),
  minP: z.number().min(0).max(1).optional().describe("Least probability of a token, as a share of the likeliest's."),
  repeatPenalty: z
    .number()
    .min(0.01)
    .max(2)
    .optional()
    .describe("Divides the chance of tokens that came before; 1: none."),
});

export const llamaSettings = z.strictObject({
  kind: z.literal("llama").describe("A local model, run by llama.cpp."),
  model: z.string().min(1).describe("A catalogue id, or the path of a GGUF file."),
  contextTokens: count.optional().describe("Prompt and completion together; default: what the model allows, bounded."),
  concurrency: count.max(256).optional().describe("Calls side by side; each chat needs memory of its own."),
  threads: count
    .max(1024)
    .optional()
    .describe("CPU threads; default: cores minus one, for embeddings all cores up to 8."),
  truncatableVectors: z
    .boolean()
    .default(false)
    .describe("For embeddings: whether the model was trained for fewer `dimensions` (Matryoshka)."),
  sampling: samplingSchema
    .optional()
    .describe(
      "For chats and completions that don't say it; default: what the catalogue or the file recommends, else OpenAI's defaults.",
    ),
  gpu: z.boolean().default(false).describe("Use a GPU where a matching binary is installed."),
});
