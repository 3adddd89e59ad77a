/**
 * Which tokens may come next: no symbols, no special tokens, and timestamps in pairs that never go back. Changes the
 * logits in place.
 *
 * Rules: https://github.com/openai/whisper/blob/main/whisper/decoding.py (`SuppressTokens`, `ApplyTimestampRules`)
 */

import type { WhisperConfig } from "./whisper-config.ts";

/** The first timestamp of a window lies in its first second. */
const FIRST_TIMESTAMP_STEPS_MAX = 50;

export interface SampledSoFar {
  /** Tokens of this window. */
  readonly sampled: readonly number[];
  /** Positions of the window without padding: nothing is said after them. */
  readonly positions: number;
}

export function applyRules(logits: Float32Array, { sampled, positions }: SampledSoFar, config: WhisperConfig): void {
  const { tokens, suppressed, suppressedFirst } = config;
  for (const token of suppressed) logits[token] = -Infinity;
  if (sampled.length === 0) for (const token of suppressedFirst) logits[token] = -Infinity;
  logits.fill(-Infinity, tokens.startOfTranscript, tokens.firstTimestamp);
  logits.fill(-Infinity, tokens.firstTimestamp + positions + 1);
  applyTimestampRules(logits, sampled, tokens);
}

function applyTimestampRules(
  logits: Float32Array,
  sampled: readonly number[],
  { firstTimestamp, endOfText }: WhisperConfig["tokens"],
): void {
  if (sampled.length === 0) {
    logits.fill(-Infinity, 0, firstTimestamp);
    logits.fill(-Infinity, firstTimestamp + FIRST_TIMESTAMP_STEPS_MAX + 1);
    return;
  }
  const isTimestamp = (token: number | undefined): boolean => token !== undefined && token >= firstTimestamp;
  const endsWithTimestamp = isTimestamp(sampled.at(-1));
  const endsWithPair = endsWithTimestamp && (sampled.length < 2 || isTimestamp(sampled.at(-2)));
  // After the end of a segment comes the start of the next one, or the end of the text; after a start comes text.
  if (endsWithPair) logits.fill(-Infinity, firstTimestamp);
  else if (endsWithTimestamp) logits.fill(-Infinity, 0, endOfText);
  const latest = sampled.findLast(isTimestamp);
  if (latest !== undefined) {
    const isStart = endsWithTimestamp && !endsWithPair;
    logits.fill(-Infinity, firstTimestamp, isStart ? latest : latest + 1);
  }
  if (isTimestampLikelier(logits, firstTimestamp)) logits.fill(-Infinity, 0, firstTimestamp);
}

/** Whether all timestamps together are likelier than any single text token. */
function isTimestampLikelier(logits: Float32Array, firstTimestamp: number): boolean {
  const timestamps = logits.subarray(firstTimestamp);
  const likeliest = findLargest(timestamps);
  if (likeliest === -Infinity) return false;
  let sum = 0;
  for (const logit of timestamps) sum += Math.exp(logit - likeliest);
  return likeliest + Math.log(sum) > findLargest(logits.subarray(0, firstTimestamp));
}

export function findLargest(values: Float32Array): number {
  let largest = -Infinity;
  for (const value of values) if (value > largest) largest = value;
  return largest;
}
