/** How tokens are drawn and where a text ends, as chat and completions say it alike; every default is applied here. */

import { AiError } from "@openai-compat/core";
import type { WantedSampling } from "@openai-compat/core";
import type { CreateChatCompletionRequest, CreateCompletionRequest } from "@openai-compat/spec";

type SamplingFields =
  | "temperature"
  | "top_p"
  | "presence_penalty"
  | "frequency_penalty"
  | "seed"
  | "logit_bias"
  | "stop";
type Wire = Pick<CreateChatCompletionRequest, SamplingFields> & Pick<CreateCompletionRequest, SamplingFields>;

/** @throws AiError `invalid_value` for a biased key that is no token id. */
export function decodeSampling(wire: Omit<Wire, "stop">): WantedSampling {
  return {
    temperature: wire.temperature ?? 1,
    topP: wire.top_p ?? 1,
    presencePenalty: wire.presence_penalty ?? 0,
    frequencyPenalty: wire.frequency_penalty ?? 0,
    seed: decodeSeed(wire.seed),
    logitBias: decodeLogitBias(wire.logit_bias),
  };
}

/** An empty string stops nothing: some clients send one for "none". */
export function decodeStop(stop: Wire["stop"]): string[] {
  const list = typeof stop === "string" ? [stop] : (stop ?? []);
  return list.filter((text) => text !== "");
}

/** JSON numbers beyond 2⁵³ arrive rounded; each is still one seed. */
function decodeSeed(seed: Wire["seed"]): number | null {
  return typeof seed === "number" ? seed % Number.MAX_SAFE_INTEGER : null;
}

function decodeLogitBias(logitBias: Wire["logit_bias"]): Record<number, number> {
  const biases: Record<number, number> = {};
  for (const [token, bias] of Object.entries(logitBias ?? {})) {
    if (!/^\d{1,9}$/.test(token)) {
      const shown = token.slice(0, 40);
      const message = `Invalid key in 'logit_bias': '${shown}'. Keys are token ids, such as "50256".`;
      throw new AiError("invalid_value", message, { param: "logit_bias" });
    }
    biases[Number(token)] = bias;
  }
  return biases;
}
