/** What a response in the background leaves in the store for a process that has to show or to end it. */

import { BILLED_OPERATIONS } from "@openai-compat/core";
import type { CallCheckpoint, StoredResponseRun, StoredResponse, WireObject } from "@openai-compat/core";
import { z } from "zod";

const wireSchema = z.record(z.string(), z.unknown());

const contentSchema = z.object({
  /** As it was when it was queued. */
  response: wireSchema,
  input: z.array(z.object({ id: z.string(), item: wireSchema })),
  previousResponseId: z.string().nullable(),
  conversationId: z.string().nullable(),
});

/** The turn that the response answers. */
export type RunContent = Pick<StoredResponse, "input" | "previousResponseId" | "conversationId"> & {
  readonly response: WireObject;
};

/** @throws Error when something other than this program wrote it */
export function decodeRunContent({ content }: Pick<StoredResponseRun, "content">): RunContent {
  return contentSchema.parse(content);
}

const count = z.int().min(0);
const unitsSchema = z.object({
  inputTokens: count,
  cachedTokens: count,
  outputTokens: count,
  audioMs: count,
  characters: count,
});

const checkpointSchema = z.object({
  requestId: z.string(),
  operation: z.enum(BILLED_OPERATIONS),
  modelId: z.string(),
  prices: z.object({
    perMillionInputTokens: count,
    perMillionOutputTokens: count,
    perMillionCharacters: count,
    perMinuteOfAudio: count,
  }),
  holds: z.array(z.object({ id: z.string(), amount: count, until: unitsSchema })),
  units: unitsSchema.nullable(),
});

/** @throws Error when something other than this program wrote it */
export function decodeCheckpoint({ checkpoint }: Pick<StoredResponseRun, "checkpoint">): CallCheckpoint | null {
  return checkpoint === null ? null : checkpointSchema.parse(checkpoint);
}
