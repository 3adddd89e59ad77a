/** The chunks of a streamed completion: renamed, their usage read and, where the caller didn't ask for it, hidden. */

import { NO_USAGE, type RelayRequest, type UsageUnits } from "@openai-compat/core";
import { createChunkTemplate } from "./chunk-template.ts";
import { decodeUsage } from "./decode-usage.ts";
import { countTokensAtLeast, estimateInputTokens } from "./estimate-tokens.ts";
import type { EventReader } from "./event-reader.ts";
import { isRecord, type JsonRecord } from "./json-value.ts";
import { createModelReplacer } from "./model-replacer.ts";

export function createChunkReader(request: RelayRequest): EventReader {
  const replaceModel = createModelReplacer(request.modelId);
  const template = createChunkTemplate(request.operation === "completion" ? "text" : "content");
  const running = new Set<unknown>();
  let hasFinished = false;
  let outputTokens = 0;
  let inputTokens: number | null = null;
  let reported: UsageUnits | null = null;
  let isReportFinal = false;

  /** A chunk has one token at least: some hold a few letters of a word, others many words. */
  function countOutput(text: string): void {
    outputTokens += Math.max(1, countTokensAtLeast(text));
  }

  /** @returns whether it carries output and nothing else that matters */
  function readChoice(choice: unknown): boolean {
    if (!isRecord(choice)) return false;
    const isOutput = hasOutput(choice);
    if (isOutput) countOutput(readText(choice));
    if (typeof choice["finish_reason"] === "string") {
      hasFinished = true;
      running.delete(choice["index"]);
      return false;
    }
    running.add(choice["index"]);
    return isOutput;
  }

  /** @returns the text to send; null to hide it */
  function readUsage(text: string, value: JsonRecord, isOwnChunk: boolean): string | null {
    const usage = decodeUsage(value["usage"]);
    if (usage === null) return text;
    reported = usage;
    isReportFinal = isOwnChunk || isFinished();
    if (request.includeUsage) return text;
    if (isOwnChunk) return null;
    delete value["usage"];
    return JSON.stringify(value);
  }

  function isFinished(): boolean {
    return hasFinished && running.size === 0;
  }

  return {
    endsWithDone: true,
    readAlike(text) {
      const filled = template.fill(text);
      if (filled === null) return null;
      countOutput(filled.text);
      return filled.sent;
    },
    read(text, value) {
      const choices: readonly unknown[] = Array.isArray(value["choices"]) ? value["choices"] : [];
      const outputs = choices.filter(readChoice).length;
      const shown = readUsage(text, value, choices.length === 0);
      if (shown === null) return null;
      const sent = replaceModel(shown, value);
      if (outputs === 1 && choices.length === 1) template.learn(text, sent);
      return sent;
    },
    usage() {
      if (outputTokens > 0) inputTokens ??= estimateInputTokens(request);
      const estimate = { ...NO_USAGE, inputTokens: inputTokens ?? 0, outputTokens };
      if (reported === null) return estimate;
      return isReportFinal ? fillIn(reported, estimate) : atLeast(reported, estimate);
    },
    isFinished,
  };
}

/** A delta with anything in it but its role, or text: at least one token was drawn for it. */
function hasOutput(choice: JsonRecord): boolean {
  const { delta, text } = choice;
  if (typeof text === "string") return text !== "";
  if (!isRecord(delta)) return false;
  for (const field in delta) if (field !== "role" && isFilled(delta[field])) return true;
  return false;
}

/** What can be read as words; calls of tools count as a token a chunk. */
function readText({ delta, text }: JsonRecord): string {
  const content = isRecord(delta) ? (delta["content"] ?? delta["reasoning_content"]) : text;
  return typeof content === "string" ? content : "";
}

function isFilled(value: unknown): boolean {
  if (typeof value === "string" || Array.isArray(value)) return value.length > 0;
  return isRecord(value);
}

/** The upstream's last word; a zero in it says that it doesn't count. */
function fillIn(reported: UsageUnits, estimate: UsageUnits): UsageUnits {
  return {
    ...reported,
    inputTokens: reported.inputTokens || estimate.inputTokens,
    outputTokens: reported.outputTokens || estimate.outputTokens,
  };
}

/** A report from the middle of the stream, which later chunks have overtaken. */
function atLeast(reported: UsageUnits, estimate: UsageUnits): UsageUnits {
  return {
    ...reported,
    inputTokens: Math.max(reported.inputTokens, estimate.inputTokens),
    outputTokens: Math.max(reported.outputTokens, estimate.outputTokens),
  };
}
