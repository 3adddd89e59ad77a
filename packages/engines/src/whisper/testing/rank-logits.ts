/** What the decoder's graph makes of the logits of all tokens, in JavaScript. */

import { measureNorm } from "../logits.ts";
import type { WhisperConfig } from "../whisper-config.ts";
import type { DecoderStep, StepOptions } from "../whisper-model.ts";

export function rankLogits(
  logits: Float32Array,
  { tokens, suppressed }: WhisperConfig,
  options: Pick<StepOptions, "likeliest" | "logits">,
): DecoderStep {
  const text = logits.slice(0, tokens.startOfTranscript);
  for (const token of suppressed) text[token] = -Infinity;
  return {
    likeliest: Array.from(text, (logit, token) => ({ token, logit }))
      .toSorted((a, b) => b.logit - a.logit)
      .slice(0, options.likeliest),
    textNorm: measureNorm(text),
    endLogit: logits[tokens.endOfText] ?? -Infinity,
    timestamps: logits.slice(tokens.firstTimestamp),
    logits: options.logits ? logits : null,
    attention: null,
  };
}
