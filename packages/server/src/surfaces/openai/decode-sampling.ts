/**
 * How tokens are sampled and where a text ends, for chat and completions alike. It sets no defaults: those are the
 * model's.
 */

import { AiError } from "@openai-compat/core";
import type { SamplingOptions } from "@openai-compat/core";
import type { CreateChatCompletionRequest, CreateCompletionRequest } from "@openai-compat/spec";
import { z } from "zod";
import { decodeBody } from "./decode-body.ts";

/** Beyond any vocabulary. */
const TOP_K_MAX = 1_000_000;
const REPEAT_PENALTY_MIN = 0.01;

type SamplingFields =
  | "temperature"
  | "top_p"
  | "presence_penalty"
  | "frequency_penalty"
  | "seed"
  | "logit_bias"
  | "stop";
type Wire = Pick<CreateChatCompletionRequest, SamplingFields> & Pick<CreateCompletionRequest, SamplingFields>;

/** What OpenAI does not document and other servers take, in their ranges; `null` counts as left out. */
const moreSamplingSchema = z.looseObject({
  /** 0 and -1: no limit. */
  top_k: z.int().min(-1).max(TOP_K_MAX).nullish(),
  min_p: z.number().min(0).max(1).nullish(),
  repetition_penalty: z.number().min(REPEAT_PENALTY_MIN).max(2).nullish(),
  /** The same by another name. */
  repeat_penalty: z.number().min(REPEAT_PENALTY_MIN).max(2).nullish(),
});

/** @throws AiError `invalid_value` for a biased key that is no token id, and for a value out of its range. */
export function decodeSampling(wire: Omit<Wire, "stop">): SamplingOptions {
  const more = decodeBody(moreSamplingSchema, wire);
  return {
    temperature: wire.temperature ?? null,
    topP: wire.top_p ?? null,
    topK: typeof more.top_k === "number" ? Math.max(0, more.top_k) : null,
    minP: more.min_p ?? null,
    repeatPenalty: more.repetition_penalty ?? more.repeat_penalty ?? null,
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
