/**
 * What becomes of each documented parameter of a completion request. The table is total, as with chat: a parameter that
 * OpenAI adds does not compile until it is decided here; parameters that OpenAI does not document are ignored.
 */

import { AiError } from "@openai-compat/core";
import type { CreateCompletionRequest } from "@openai-compat/spec";

/** Returns the error that names what is wrong, or null where this use of the parameter is right. */
type Refusal = (request: CreateCompletionRequest) => AiError | null;

/**
 * - `honoured`: changes the answer as documented. A `suffix` may still be more than the model can do.
 * - `no effect`: accepted; a label that this server has no use for.
 * - a function: honoured, but for a use that contradicts another parameter.
 */
type ParameterRule = "honoured" | "no effect" | Refusal;

const PARAMETER_RULES: Readonly<Record<keyof CreateCompletionRequest, ParameterRule>> = {
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
};

/** @throws AiError `invalid_value`: the first refusal in the table's order. */
export function checkParameters(request: CreateCompletionRequest): void {
  for (const rule of Object.values(PARAMETER_RULES)) {
    const refusal = typeof rule === "function" ? rule(request) : null;
    if (refusal !== null) throw refusal;
  }
}

function refuse(message: string): AiError {
  return new AiError("invalid_value", message, { param: "best_of" });
}
