/**
 * The segments of a window's text, by its timestamps, and how much of the window they explain: what comes after the
 * last whole segment is listened to again, with what follows it.
 *
 * Rules: https://github.com/openai/whisper/blob/main/whisper/transcribe.py
 */

import type { WhisperConfig } from "./whisper-config.ts";
import { POSITION_SAMPLES } from "./whisper-model.ts";

export interface WindowSegment {
  /** From the start of the window, at 16 kHz. */
  readonly startSample: number;
  readonly endSample: number;
  /** Of the window's tokens; timestamps included. */
  readonly from: number;
  readonly to: number;
}

export interface WindowSegments {
  readonly segments: readonly WindowSegment[];
  /** Where the next window starts, from the start of this one: above 0, and at most the window's length. */
  readonly advanceSamples: number;
}

/** @param windowSamples without padding */
export function splitWindow(
  tokens: readonly number[],
  windowSamples: number,
  { firstTimestamp }: WhisperConfig["tokens"],
): WindowSegments {
  const isTimestamp = (index: number): boolean => (tokens[index] ?? -1) >= firstTimestamp;
  const sampleAt = (index: number): number =>
    Math.min(windowSamples, Math.max(0, (tokens[index] ?? 0) - firstTimestamp) * POSITION_SAMPLES);
  const count = tokens.length;
  const ends = tokens.flatMap((_, index) => (index > 0 && isTimestamp(index) && isTimestamp(index - 1) ? [index] : []));
  const endsAlone = count > 1 && isTimestamp(count - 1) && !isTimestamp(count - 2);
  if (ends.length === 0) {
    const last = tokens.findLastIndex((token) => token > firstTimestamp);
    const endSample = last === -1 ? windowSamples : sampleAt(last);
    return {
      segments: [
        {
          startSample: count > 0 && isTimestamp(0) ? Math.min(sampleAt(0), endSample) : 0,
          endSample,
          from: 0,
          to: count,
        },
      ],
      advanceSamples: windowSamples,
    };
  }
  const bounds = [0, ...ends, ...(endsAlone ? [count] : [])];
  const segments = bounds.slice(1).map((to, index): WindowSegment => {
    const from = bounds[index] ?? 0;
    const startSample = sampleAt(from);
    return { startSample, endSample: Math.max(startSample, sampleAt(to - 1)), from, to };
  });
  // One timestamp at the end: nobody speaks after it.
  const explained = sampleAt((ends.at(-1) ?? 1) - 1);
  return { segments, advanceSamples: endsAlone || explained === 0 ? windowSamples : explained };
}
