/** A call that used nothing, for tests to fill in. */

import type { CallRecord } from "@openai-compat/core";

export const NO_CALL: CallRecord = {
  operationId: "createChatCompletion",
  billedAs: "ai_prompt",
  callId: "call_of_a_test",
  requestId: "req_of_a_test",
  accountId: "ada",
  modelId: "tiny",
  requestedModel: "tiny",
  streamed: false,
  relaxed: [],
  outcome: "completed",
  usage: { inputTokens: 0, cachedTokens: 0, outputTokens: 0, audioMs: 0, characters: 0 },
  usageSource: "measured",
  heldAmount: 0,
  chargedAmount: 0,
  startedAtMs: 1_700_000_000_000,
  admittedAfterMs: 0,
  firstOutputAfterMs: null,
  durationMs: 0,
};
