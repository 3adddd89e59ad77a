/** The error for a bias, the same for every engine. */

import { AiError } from "@openai-compat/core";

/** @param why as in "the token 7 is not a token of this model". */
export function refuseBias(id: string, why: string): AiError {
  const message = `Invalid value for 'logit_bias': the token ${id} ${why}.`;
  return new AiError("invalid_value", message, { param: "logit_bias" });
}
