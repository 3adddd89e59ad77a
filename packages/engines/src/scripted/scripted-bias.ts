/** Applies a bias to a script: only the two ends of its range have an effect. */

import type { Sampling } from "@openai-compat/core";
import { refuseBias } from "../shared/refuse-bias.ts";
import { isTextToken } from "./scripted-tokens.ts";

const BIAS_NEVER = -100;
const BIAS_ALWAYS = 100;

/** @throws AiError `invalid_value` for an id that is not the token of any text. */
export function checkBias(logitBias: Sampling["logitBias"]): void {
  const strange = Object.keys(logitBias).find((id) => !isTextToken(Number(id)));
  if (strange !== undefined) throw refuseBias(strange, "is not a token of this model");
}

/** @param isConstrained structured output leaves no choice of words, so none is favoured. */
export function biasTokens(
  tokens: readonly number[],
  logitBias: Sampling["logitBias"],
  isConstrained: boolean,
): readonly number[] {
  if (isConstrained) return tokens;
  const certain = Object.entries(logitBias).find(([, bias]) => bias >= BIAS_ALWAYS);
  if (certain !== undefined) return tokens.map(() => Number(certain[0]));
  return tokens.filter((token) => (logitBias[token] ?? 0) > BIAS_NEVER);
}
