/** Counts the usage of a streamed completion: as reported by the upstream, else estimated from its chunks. */

import { NO_USAGE, type UpstreamRequest, type UsageSource, type UsageUnits } from "@openai-compat/core";
import { decodeUsage } from "./decode-usage.ts";
import { bytesToTokens, countText, estimateInputTokens, type TextCounts } from "./estimate-tokens.ts";
import { isRecord, type JsonRecord } from "./json-value.ts";

export interface UsageCounter {
  /** Output of one chunk. */
  addOutput(text: string): void;
  /** @param isFinal whether nothing of the answer comes after it */
  report(usage: unknown, isFinal: boolean): void;
  /** @param isOver whether nothing more is read; until output has come, a prompt counts only then */
  usage(isOver: boolean): UsageUnits;
  source(): UsageSource;
  /** The upstream's last report, unchanged; null for none. */
  reported(): JsonRecord | null;
}

export function createUsageCounter(request: UpstreamRequest, zeroUsageBelieved: boolean): UsageCounter {
  let chunks = 0;
  const counts: TextCounts = { words: 0, bytes: 0 };
  let inputTokens: number | null = null;
  let last: { readonly usage: JsonRecord; readonly units: UsageUnits; readonly isFinal: boolean } | null = null;

  /**
   * A chunk has at least one token: some hold a few letters of a word, others many words. The pieces of a word count as
   * words.
   */
  function estimate(): UsageUnits {
    inputTokens ??= estimateInputTokens(request);
    const outputTokens = Math.max(chunks, counts.words, bytesToTokens(counts.bytes));
    return { ...NO_USAGE, inputTokens, outputTokens };
  }

  function estimateSoFar(isOver: boolean): UsageUnits {
    return chunks === 0 && !isOver ? NO_USAGE : estimate();
  }

  return {
    addOutput(text) {
      chunks += 1;
      countText(text, counts);
      // The answer goes on, whatever was said of its end.
      if (last?.isFinal === true) last = { ...last, isFinal: false };
    },
    report(usage, isFinal) {
      const units = decodeUsage(usage);
      if (units !== null && isRecord(usage)) last = { usage, units, isFinal };
    },
    usage(isOver) {
      if (last === null) return estimateSoFar(isOver);
      if (!last.isFinal) return takeLarger(last.units, estimate());
      return zeroUsageBelieved ? last.units : fillIn(last.units, estimate);
    },
    source() {
      if (last === null || !last.isFinal) return "estimated";
      const { units } = last;
      const isFilledIn = !zeroUsageBelieved && isIncomplete(units) && fillIn(units, estimate) !== units;
      return isFilledIn ? "estimated" : "reported";
    },
    reported: () => last?.usage ?? null,
  };
}

function isIncomplete({ inputTokens, outputTokens }: UsageUnits): boolean {
  return inputTokens === 0 || outputTokens === 0;
}

/**
 * A zero in the upstream's last report means that it doesn't count.
 *
 * @returns `reported` itself where nothing is missing
 */
export function fillIn(reported: UsageUnits, estimate: () => UsageUnits): UsageUnits {
  if (!isIncomplete(reported)) return reported;
  const { inputTokens, outputTokens } = estimate();
  const filled = {
    ...reported,
    inputTokens: reported.inputTokens || inputTokens,
    outputTokens: reported.outputTokens || outputTokens,
  };
  const isSame = filled.inputTokens === reported.inputTokens && filled.outputTokens === reported.outputTokens;
  return isSame ? reported : filled;
}

/** A report from the middle of the stream, which later chunks have exceeded. */
function takeLarger(reported: UsageUnits, estimate: UsageUnits): UsageUnits {
  return {
    ...reported,
    inputTokens: Math.max(reported.inputTokens, estimate.inputTokens),
    outputTokens: Math.max(reported.outputTokens, estimate.outputTokens),
  };
}
