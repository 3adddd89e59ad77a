/** A task: a system prompt with examples and a model, kept for prompts. It belongs to the account that made it. */
import { z } from "zod";
import { nativeIdSchema, wholeMilliseconds } from "./shared.ts";

/** The most characters of a task: its system prompt and its examples together. */
export const TASK_CHARACTERS_MAX = 200_000;
/** The most examples of a task. */
export const TASK_EXAMPLES_MAX = 100;

const name = z.string().min(1).max(200).describe("For people; two tasks may have the same.");
const modelId = nativeIdSchema.describe("Id or name of a model, or `default`. It need not be there yet.");
const systemPrompt = z.string().max(TASK_CHARACTERS_MAX).describe("May be empty.");
const example = z.strictObject({ prompt: z.string().min(1), answer: z.string().min(1) });
const examples = z
  .array(example)
  .max(TASK_EXAMPLES_MAX)
  .refine(
    (listed) =>
      listed.reduce((sum, { prompt, answer }) => sum + prompt.length + answer.length, 0) <= TASK_CHARACTERS_MAX,
    { error: `expected at most ${TASK_CHARACTERS_MAX} characters in all examples` },
  );

export const taskSchema = z.object({
  id: nativeIdSchema,
  name,
  modelId,
  systemPrompt,
  examples: z.array(z.object({ prompt: z.string(), answer: z.string() })),
  createdAtMs: wholeMilliseconds,
  updatedAtMs: wholeMilliseconds,
});
export type Task = z.infer<typeof taskSchema>;

export const newTaskSchema = z.strictObject({
  name,
  modelId: modelId.optional().describe("Default: `default`."),
  systemPrompt: systemPrompt.optional(),
  examples: examples.optional(),
});
export type NewTask = z.infer<typeof newTaskSchema>;

/** What is left out stays as it is. */
export const taskChangeSchema = z.strictObject({
  id: nativeIdSchema,
  name: name.optional(),
  modelId: modelId.optional(),
  systemPrompt: systemPrompt.optional(),
  examples: examples.optional(),
});
export type TaskChange = z.infer<typeof taskChangeSchema>;

/** The one that a call is about, and what a call that removed it answers. */
export const nativeReferenceSchema = z.strictObject({ id: nativeIdSchema });
