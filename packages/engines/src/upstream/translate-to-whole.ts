/**
 * Folds a stream that was sent in place of a non-streaming answer: its chunks, already in OpenAI's format, are merged.
 */

import { answersWithChunks } from "@openai-compat/core";
import type { UpstreamEvent } from "@openai-compat/core";
import type { AnswerTranslator } from "./answer-translator.ts";
import { isRecord, type JsonRecord, parseRecord } from "./json-value.ts";
import { ANSWER_OBJECTS } from "./normalise-fields.ts";
import { encodeWhole, type WholeOptions } from "./translate-json.ts";
import { UpstreamError } from "./upstream-error.ts";

/** @param stream translates the stream; its output is folded here */
export function createFoldingTranslator(stream: AnswerTranslator, options: WholeOptions): AnswerTranslator {
  const fold = createFold();

  function* take(events: Iterable<UpstreamEvent>): Generator<UpstreamEvent> {
    for (const event of events) {
      if (event.type === "upstream-data") fold.add(Buffer.from(event.bytes).toString("utf8"));
      if (event.type !== "upstream-end") continue;
      const value = { ...fold.answer(options), usage: encodeUnits(event.usage) };
      for (const whole of encodeWhole({ text: JSON.stringify(value), value }, options)) {
        yield whole.type === "upstream-whole" ? { ...whole, source: event.source } : whole;
      }
    }
  }

  return {
    push: (chunks) => take(stream.push(chunks)),
    end: () => take(stream.end()),
    isComplete: () => stream.isComplete(),
    awaitsUsage: () => stream.awaitsUsage(),
    abandon: () => stream.abandon(),
  };
}

function encodeUnits(usage: { readonly inputTokens: number; readonly outputTokens: number }): JsonRecord {
  return { prompt_tokens: usage.inputTokens, completion_tokens: usage.outputTokens };
}

function createFold() {
  const choices = new Map<unknown, JsonRecord>();
  const base: JsonRecord = {};

  function addChoice({ delta, ...choice }: JsonRecord): void {
    const known = choices.get(choice["index"]) ?? {};
    const message = isRecord(delta) ? merge(isRecord(known["message"]) ? known["message"] : {}, delta) : undefined;
    const merged = merge(known, choice);
    choices.set(choice["index"], message === undefined ? merged : { ...merged, message });
  }

  return {
    /** @param frames whole events */
    add(frames: string): void {
      for (const frame of frames.split("\n\n")) {
        const chunk = parseRecord(frame.slice("data: ".length));
        if (chunk === null) continue;
        const { choices: list, ...rest } = chunk;
        Object.assign(base, rest);
        if (Array.isArray(list)) for (const choice of list.filter(isRecord)) addChoice(choice);
      }
    },
    answer({ request: { operation } }: WholeOptions): JsonRecord {
      if (!answersWithChunks(operation)) throw new UpstreamError("invalid", "It is no stream.");
      return { ...base, object: ANSWER_OBJECTS[operation], choices: [...choices.values()] };
    },
  };
}

/**
 * Texts are concatenated, lists of indexed items are merged by index, other lists are concatenated, other values are
 * replaced unless by null.
 */
function merge(known: JsonRecord, piece: JsonRecord): JsonRecord {
  const merged: JsonRecord = { ...known };
  for (const [name, value] of Object.entries(piece)) {
    const before = merged[name];
    if (value === null || value === undefined) merged[name] ??= value;
    else if (typeof before === "string" && typeof value === "string" && !SAID_ONCE.has(name))
      merged[name] = before + value;
    else if (Array.isArray(before) && Array.isArray(value)) merged[name] = mergeLists(before, value);
    else if (isRecord(before) && isRecord(value)) merged[name] = merge(before, value);
    else merged[name] = value;
  }
  return merged;
}

const SAID_ONCE: ReadonlySet<string> = new Set(["role", "id", "type", "name", "finish_reason"]);

function mergeLists(before: readonly unknown[], more: readonly unknown[]): readonly unknown[] {
  const merged = [...before];
  for (const item of more) {
    const index = isRecord(item) ? item["index"] : undefined;
    const place = merged.findIndex((other) => index !== undefined && isRecord(other) && other["index"] === index);
    const known = merged[place];
    if (isRecord(known) && isRecord(item)) merged[place] = merge(known, item);
    else merged.push(item);
  }
  return merged;
}
