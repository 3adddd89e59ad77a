/** What becomes of each documented parameter of a completion request. */

import { AiError } from "@openai-compat/core";
import type { CreateCompletionRequest } from "@openai-compat/spec";
import { defineParameterRules } from "../parameter-rules.ts";

/** A `suffix` may still be more than the model can do. @throws AiError `invalid_value` */
export const checkParameters = defineParameterRules<CreateCompletionRequest>({
  model: "honoured",
  prompt: "honoured",
  suffix: "honoured",
  max_tokens: "honoured",
  temperature: "honoured",
  top_p: "honoured",
  n: "honoured",
  stream: "honoured",
  stream_options: "honoured",
  logprobs: "honoured",
  echo: "honoured",
  stop: "honoured",
  presence_penalty: "honoured",
  frequency_penalty: "honoured",
  logit_bias: "honoured",
  seed: "honoured",

  user: "no effect",

  best_of: ({ best_of, n, stream }) => {
    if (best_of === null || best_of === undefined) return null;
    const choices = n ?? 1;
    if (best_of < choices) {
      return refuse(`'best_of' must be at least 'n': ${best_of} texts can't give the best ${choices}.`);
    }
    return best_of > choices && stream === true
      ? refuse("The best of several texts can't be streamed: leave 'stream' or 'best_of' out.")
      : null;
  },
});

function refuse(message: string): AiError {
  return new AiError("invalid_value", message, { param: "best_of" });
}
