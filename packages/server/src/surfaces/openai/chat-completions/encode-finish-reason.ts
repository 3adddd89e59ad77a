/** Why an answer ended, in OpenAI's words. */

import type { FinishReason } from "@openai-compat/core";
import type { FinishReason as WireFinishReason } from "@openai-compat/spec";

export const FINISH_REASONS = {
  stop: "stop",
  length: "length",
  // Also where one tool was forced by name: OpenAI says "stop" there, and agents that go by the reason never run the
  // tool.
  "tool-calls": "tool_calls",
} as const satisfies Readonly<Record<FinishReason, WireFinishReason>>;
