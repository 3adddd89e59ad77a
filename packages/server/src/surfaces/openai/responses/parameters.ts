/** What becomes of each documented parameter of a response. */

import { AiError } from "@openai-compat/core";
import type { CreateResponseRequest } from "@openai-compat/spec";
import { defineParameterRules, unsupportedParameter } from "../parameter-rules.ts";

/** @throws AiError `unsupported_parameter`, `invalid_value` */
export const checkParameters = defineParameterRules<CreateResponseRequest>({
  model: "honoured",
  input: "honoured",
  instructions: "honoured",
  previous_response_id: "honoured",
  conversation: ({ conversation, previous_response_id }) =>
    isAbsent(conversation) || isAbsent(previous_response_id)
      ? null
      : new AiError("invalid_value", "'conversation' and 'previous_response_id' exclude each other.", {
          param: "conversation",
        }),
  max_output_tokens: "honoured",
  temperature: "honoured",
  top_p: "honoured",
  top_logprobs: "honoured",
  include: "honoured",
  parallel_tool_calls: "honoured",
  reasoning: "honoured",
  text: "honoured",
  tool_choice: "honoured",
  tools: "honoured",
  store: "honoured",
  metadata: "honoured",
  stream: "honoured",
  stream_options: "honoured",
  truncation: "honoured",

  max_tool_calls: "no effect",
  prompt_cache_key: "no effect",
  prompt_cache_retention: "no effect",
  safety_identifier: "no effect",
  service_tier: "no effect",
  context_management: "no effect",
  user: "no effect",

  background: ({ background, store }) =>
    background === true && store === false
      ? new AiError(
          "invalid_value",
          "A response in the background has to be stored: 'background' needs 'store: true'.",
          {
            param: "background",
          },
        )
      : null,
  prompt_cache_options: ({ prompt_cache_options: options }) =>
    options?.prewarm === true ? unsupportedParameter("prompt_cache_options.prewarm") : null,
  moderation: ({ moderation }) => (isAbsent(moderation) ? null : unsupportedParameter("moderation")),
  prompt: ({ prompt }) => (isAbsent(prompt) ? null : unsupportedParameter("prompt")),
});

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}
