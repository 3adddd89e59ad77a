/** What becomes of each documented parameter of a chat request. */

import { AiError } from "@openai-compat/core";
import type { CreateChatCompletionRequest } from "@openai-compat/spec";
import { defineParameterRules, unsupportedParameter, unsupportedValue } from "../parameter-rules.ts";

/** @throws AiError `unsupported_parameter`, `unsupported_value`, `invalid_value` */
export const checkParameters = defineParameterRules<CreateChatCompletionRequest>({
  model: "honoured",
  messages: "honoured",
  max_completion_tokens: "honoured",
  max_tokens: "honoured",
  stop: "honoured",
  temperature: "honoured",
  top_p: "honoured",
  presence_penalty: "honoured",
  frequency_penalty: "honoured",
  seed: "honoured",
  logit_bias: "honoured",
  n: "honoured",
  logprobs: "honoured",
  parallel_tool_calls: "honoured",
  reasoning_effort: "honoured",
  response_format: "honoured",
  tool_choice: "honoured",
  tools: "honoured",
  stream: "honoured",
  stream_options: "honoured",
  store: "honoured",
  metadata: "honoured",

  prediction: "no effect",
  prompt_cache_key: "no effect",
  prompt_cache_options: "no effect",
  prompt_cache_retention: "no effect",
  safety_identifier: "no effect",
  service_tier: "no effect",
  user: "no effect",
  verbosity: "no effect",

  functions: ({ functions, function_call }) =>
    (functions ?? []).length > 0 && function_call !== "none" ? unsupportedParameter("functions") : null,
  function_call: ({ function_call }) => (isAutomatic(function_call) ? null : unsupportedParameter("function_call")),
  top_logprobs: ({ logprobs, top_logprobs }) =>
    (top_logprobs ?? 0) > 0 && logprobs !== true
      ? new AiError("invalid_value", "'top_logprobs' may only be set when 'logprobs' is true.", {
          param: "top_logprobs",
        })
      : null,
  modalities: ({ modalities }) =>
    modalities?.includes("audio") === true ? unsupportedValue("modalities", "audio", "'text'") : null,
  audio: ({ audio }) => (isAbsent(audio) ? null : unsupportedParameter("audio")),
  moderation: ({ moderation }) => (isAbsent(moderation) ? null : unsupportedParameter("moderation")),
  web_search_options: ({ web_search_options }) =>
    isAbsent(web_search_options) ? null : unsupportedParameter("web_search_options"),
});

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}

/** Whether a choice leaves it to the model, or forbids, to call something. */
function isAutomatic(choice: unknown): boolean {
  return isAbsent(choice) || choice === "auto" || choice === "none";
}
