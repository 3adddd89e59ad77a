/**
 * Which tokens may come next: no symbols, no special tokens, and timestamps in pairs that never go back.
 *
 * Rules: https://github.com/openai/whisper/blob/main/whisper/decoding.py (`SuppressTokens`, `ApplyTimestampRules`)
 */

import { measureNorm } from "./logits.ts";
import type { WhisperConfig } from "./whisper-config.ts";
import type { DecoderStep } from "./whisper-model.ts";

/** The first timestamp of a window lies in its first second. */
const FIRST_TIMESTAMP_STEPS_MAX = 50;

export interface SampledSoFar {
  /** Tokens of this window. */
  readonly sampled: readonly number[];
  /** Positions of the window without padding: nothing is said after them. */
  readonly positions: number;
}

export interface AllowedTokens {
  readonly text: "any" | "only-end" | "none";
  /** Counted from the first timestamp; none where it is not below `timestampsEnd`. */
  readonly timestampsFrom: number;
  readonly timestampsEnd: number;
}

export function listAllowed(
  { sampled, positions }: SampledSoFar,
  { firstTimestamp }: WhisperConfig["tokens"],
): AllowedTokens {
  const timestampsEnd = positions + 1;
  if (sampled.length === 0) {
    const firstEnd = Math.min(timestampsEnd, FIRST_TIMESTAMP_STEPS_MAX + 1);
    return { text: "none", timestampsFrom: 0, timestampsEnd: firstEnd };
  }
  const isTimestamp = (token: number | undefined): boolean => token !== undefined && token >= firstTimestamp;
  const endsWithTimestamp = isTimestamp(sampled.at(-1));
  const endsWithPair = endsWithTimestamp && (sampled.length < 2 || isTimestamp(sampled.at(-2)));
  // After the end of a segment comes the start of the next one, or the end of the text; after a start comes text.
  if (endsWithPair) return { text: "any", timestampsFrom: 0, timestampsEnd: 0 };
  const latest = (sampled.findLast(isTimestamp) ?? firstTimestamp - 1) - firstTimestamp;
  if (endsWithTimestamp) return { text: "only-end", timestampsFrom: latest, timestampsEnd };
  return { text: "any", timestampsFrom: latest + 1, timestampsEnd };
}

export interface WeighedTokens extends AllowedTokens {
  /** The logarithm of the sum of the exponentials of their logits. */
  readonly norm: number;
}

/** Leaves the text out where all timestamps together are likelier than any single text token. */
export function weighTokens(step: DecoderStep, allowed: AllowedTokens): WeighedTokens {
  const { text, timestampsFrom, timestampsEnd } = allowed;
  const timestampNorm = measureNorm(readTimestamps(step, allowed));
  const { largest, textNorm } = {
    any: { largest: step.likeliest[0]?.logit ?? -Infinity, textNorm: step.textNorm },
    "only-end": { largest: step.endLogit, textNorm: step.endLogit },
    none: { largest: -Infinity, textNorm: -Infinity },
  }[text];
  const isTimestamp = text === "none" || timestampNorm > largest;
  if (isTimestamp) return { text: "none", timestampsFrom, timestampsEnd, norm: timestampNorm };
  return { ...allowed, norm: measureNorm(Float64Array.of(textNorm, timestampNorm)) };
}

export function readTimestamps(
  { timestamps }: DecoderStep,
  { timestampsFrom, timestampsEnd }: AllowedTokens,
): Float32Array {
  return timestamps.subarray(timestampsFrom, Math.max(timestampsFrom, timestampsEnd));
}

/** Changes the logits of all tokens in place: those that may not come become impossible. */
export function applyRules(
  logits: Float32Array,
  { text, timestampsFrom, timestampsEnd }: AllowedTokens,
  { tokens, suppressed }: WhisperConfig,
): void {
  const { endOfText, startOfTranscript, firstTimestamp } = tokens;
  for (const token of suppressed) logits[token] = -Infinity;
  if (text === "only-end") logits.fill(-Infinity, 0, endOfText);
  logits.fill(-Infinity, text === "none" ? 0 : startOfTranscript, firstTimestamp + timestampsFrom);
  logits.fill(-Infinity, firstTimestamp + Math.max(timestampsFrom, timestampsEnd));
}
