/** Sampling options, of chats and of plain completions alike. */
import { z } from "zod";

/** How much less likely a token becomes by having appeared: negative values make it more likely. */
export const penaltySchema = z.number().min(-2).max(2);

/** One string, or up to four: generation ends before the first that appears. */
export const stopSchema = z.union([z.string(), z.array(z.string()).min(1).max(4)]).meta({ id: "StopConfiguration" });

/** A 64-bit integer or `null`. JSON numbers beyond 2^53 arrive rounded and are accepted as they arrive. */
export const seedSchema = z
  .number()
  .min(-(2 ** 63))
  .max(2 ** 63)
  .refine(Number.isInteger, { error: "Invalid input: expected int" })
  .nullish()
  .meta({ type: ["integer", "null"], format: "int64" });

/** OpenAI documents integers; vLLM and llama.cpp take any number, and so do clients made for them send it. */
export const logitBiasSchema = z.record(z.string(), z.number().min(-100).max(100)).describe("Bias per token id.");
