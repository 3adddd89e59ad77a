/** The engine kind `upstream`: models of other servers that have OpenAI's API. */

import { UPSTREAM_DEFAULTS } from "@openai-compat/engines";
import { z } from "zod";
import { count, milliseconds } from "../settings/units.ts";

export const upstreamSettings = z.strictObject({
  kind: z.literal("upstream").describe("A model of another server that has OpenAI's API."),
  baseUrls: z
    .array(z.url({ protocol: /^https?$/ }))
    .min(1)
    .max(64)
    .describe(
      "Where servers with OpenAI's API offer the model, each up to and with `/v1`; calls go to the least loaded.",
    ),
  model: z.string().min(1).max(200).optional().describe("The model's name there; default: the id."),
  apiKey: z
    .string()
    .min(1)
    .max(8192)
    .nullable()
    .default(UPSTREAM_DEFAULTS.apiKey)
    .describe("Sent to them, and to nobody else."),
  apiKeyEnvironment: z.string().min(1).nullable().default(null).describe("Environment variable with that key."),
  contextTokens: count.default(UPSTREAM_DEFAULTS.contextTokens).describe("Prompt and completion together."),
  completionTokensMax: count
    .nullable()
    .default(UPSTREAM_DEFAULTS.completionTokensMax)
    .describe("Sent as the limit where a request sets none; null: such an answer may fill the context."),
  passParameters: z
    .array(z.string().min(1).max(200))
    .max(100)
    .default([...UPSTREAM_DEFAULTS.passParameters])
    .describe("Parameters that are sent on although this server doesn't know what they can cost; others are dropped."),
  zeroUsageBelieved: z
    .boolean()
    .default(UPSTREAM_DEFAULTS.zeroUsageBelieved)
    .describe("Whether a reported usage of 0 tokens is charged as 0; else it is replaced by an estimate."),
  usageWaitMs: milliseconds
    .default(UPSTREAM_DEFAULTS.usageWaitMs)
    .describe("How long the usage of a complete answer is waited for after its client has disconnected."),
  concurrency: count.max(65_536).default(UPSTREAM_DEFAULTS.concurrency).describe("Calls side by side; more wait."),
  connectTimeoutMs: milliseconds
    .default(UPSTREAM_DEFAULTS.connectTimeoutMs)
    .describe("Until a connection stands; then the next one is tried."),
  firstByteTimeoutMs: milliseconds.default(UPSTREAM_DEFAULTS.firstByteTimeoutMs).describe("Until the answer begins."),
  stallTimeoutMs: milliseconds.default(UPSTREAM_DEFAULTS.stallTimeoutMs).describe("Between two pieces of an answer."),
  answerBytesMax: count
    .default(UPSTREAM_DEFAULTS.answerBytesMax)
    .describe("Largest answer, in bytes, also when decompressed."),
  answerValuesMax: count
    .default(UPSTREAM_DEFAULTS.answerValuesMax)
    .describe("Most values in a non-streaming JSON answer; 16 times as many in embeddings."),
  eventBytesMax: count.default(UPSTREAM_DEFAULTS.eventBytesMax).describe("Largest event of a stream, in bytes."),
  breakerFailuresMax: count
    .default(UPSTREAM_DEFAULTS.breakerFailuresMax)
    .describe("Failures in a row after which a server is left alone."),
  breakerOpenMs: milliseconds.default(UPSTREAM_DEFAULTS.breakerOpenMs).describe("For how long."),
});
