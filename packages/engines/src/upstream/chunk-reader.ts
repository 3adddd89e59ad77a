/**
 * The chunks of a streamed completion in OpenAI's format, whatever the upstream sent; their usage is read on the way.
 */

import type { ChunkOperationId, RelayRequest } from "@openai-compat/core";
import { createChunkTemplate } from "./chunk-template.ts";
import type { EventReader } from "./event-reader.ts";
import { isRecord, type JsonRecord } from "./json-value.ts";
import { type ChoiceNormaliser, createChoiceNormaliser } from "./normalise-choice.ts";
import {
  CHUNK_OBJECTS,
  createAnswerId,
  encodeUsage,
  isFilledText,
  isIndex,
  normaliseArguments,
  normaliseCreated,
} from "./normalise-fields.ts";
import { tooFewChoices } from "./normalise-answer.ts";
import { createUsageCounter } from "./usage-counter.ts";
import { UpstreamFault } from "./upstream-fault.ts";

export interface ChunkReaderOptions {
  readonly request: RelayRequest;
  readonly operation: ChunkOperationId;
  readonly zeroUsageBelieved: boolean;
}

export function createChunkReader({ request, operation, zeroUsageBelieved }: ChunkReaderOptions): EventReader {
  const template = createChunkTemplate(operation === "createCompletion" ? "text" : "content");
  const counter = createUsageCounter(request, zeroUsageBelieved);
  const choices = createChoices(request, operation);
  const base: JsonRecord = { id: "", object: CHUNK_OBJECTS[operation], created: -1, model: request.modelId };

  /** The same in all chunks: what the first one says. */
  function normaliseBase(value: JsonRecord): void {
    if (base["id"] === "") base["id"] = isFilledText(value["id"]) ? value["id"] : createAnswerId(operation);
    if (base["created"] === -1) base["created"] = normaliseCreated(value["created"]);
    Object.assign(value, base);
  }

  /** @returns the choice to send, null for none, and whether it is nothing but one more piece of text */
  function readChoice(choice: JsonRecord, position: number): { isSteady: boolean } | null {
    const output = readOutput(choice);
    if (output !== null) counter.addOutput(output);
    const normaliser = choices.of(choice["index"], position);
    if (normaliser === null || (normaliser.hasFinished() && output === null)) return null;
    const isSteady = normaliser.read(choice);
    return { isSteady: isSteady && output !== null };
  }

  /** Usage has a chunk of its own, at the end; the others say null where it was requested, and nothing where not. */
  function hideUsage(value: JsonRecord): void {
    if (request.includeUsage) value["usage"] = null;
    else delete value["usage"];
  }

  return {
    endsWithDone: true,
    readAlike(text) {
      const filled = template.fill(text);
      if (filled === null) return null;
      counter.addOutput(filled.text);
      return filled.sent;
    },
    read(text, value) {
      const kept: JsonRecord[] = [];
      let isSteady = true;
      for (const [position, choice] of listRecords(value["choices"]).entries()) {
        const result = readChoice(choice, position);
        if (result !== null) kept.push(choice);
        isSteady &&= result?.isSteady === true;
      }
      counter.report(readReport(value), choices.areFinished());
      if (kept.length === 0) return null;
      normaliseBase(value);
      value["choices"] = kept;
      hideUsage(value);
      const sent = JSON.stringify(value);
      if (isSteady && kept.length === 1) template.learn(text, sent);
      return sent;
    },
    end(isDone) {
      if (!choices.areFinished() && !(isDone && choices.haveBegun())) {
        throw new UpstreamFault("broken", "The stream ended before the answer did.");
      }
      choices.checkNumber();
      normaliseBase({});
      const finishes = choices.finish().map((choice) => {
        const value: JsonRecord = { ...base, choices: [choice] };
        hideUsage(value);
        return JSON.stringify(value);
      });
      if (!request.includeUsage) return finishes;
      const usage = encodeUsage(counter.reported(), counter.usage(true));
      return [...finishes, JSON.stringify({ ...base, choices: [], usage })];
    },
    usage: (isOver) => counter.usage(isOver),
    source: () => counter.source(),
    isFinished: () => choices.areFinished(),
  };
}

/** Which choice of the answer each one of a chunk is. */
function createChoices({ body }: RelayRequest, operation: ChunkOperationId) {
  const requested = body.kind === "json" && isIndex(body.value["n"]) ? body.value["n"] : 1;
  const isSingle = operation === "createChatCompletion" && requested === 1;
  const normalisers = new Map<number, ChoiceNormaliser>();
  let hasSeenFirst = false;
  return {
    /** @returns null for a choice that was not requested */
    of(theirIndex: unknown, position: number): ChoiceNormaliser | null {
      if (theirIndex === 0) hasSeenFirst = true;
      if (isSingle && isIndex(theirIndex) && theirIndex > 0 && hasSeenFirst) return null;
      // Some count tokens where the index of the choice belongs.
      const index = isSingle ? 0 : isIndex(theirIndex) ? theirIndex : position;
      const known = normalisers.get(index);
      if (known !== undefined) return known;
      const created = createChoiceNormaliser(operation, index);
      normalisers.set(index, created);
      return created;
    },
    haveBegun: () => normalisers.size > 0,
    /** @throws AiError when the upstream made fewer than were requested */
    checkNumber() {
      if (normalisers.size < requested) throw tooFewChoices(normalisers.size, requested);
    },
    areFinished: () => normalisers.size > 0 && [...normalisers.values()].every((choice) => choice.hasFinished()),
    finish: () => [...normalisers.values()].flatMap((choice) => choice.finish() ?? []),
  };
}

function listRecords(value: unknown): readonly JsonRecord[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

/** Some have it in a place of their own. */
function readReport({ usage, x_groq: vendor }: JsonRecord): unknown {
  return isRecord(usage) || !isRecord(vendor) ? usage : vendor["usage"];
}

/** What can be counted of a choice; null where nothing was generated for it: its role, its end. */
function readOutput({ delta, text, message }: JsonRecord): string | null {
  if (typeof text === "string") return text === "" ? null : text;
  const said = isRecord(delta) ? delta : message;
  if (!isRecord(said)) return null;
  let output: string | null = null;
  for (const field in said) {
    const value = said[field];
    if (field !== "role" && isFilled(value)) output = (output ?? "") + readWords(value);
  }
  return output;
}

function readWords(value: unknown): string {
  return typeof value === "string" ? value : readCallWords(value);
}

/** The names and arguments of calls, and whatever else is no text. */
function readCallWords(value: unknown): string {
  const calls = Array.isArray(value) ? value : [value];
  return calls.map((call: unknown) => (isRecord(call) ? readFunction(call["function"] ?? call) : "")).join("");
}

function readFunction(called: unknown): string {
  if (!isRecord(called)) return "";
  const name = isFilledText(called["name"]) ? called["name"] : "";
  const text = isFilledText(called["text"]) ? called["text"] : "";
  return name + text + normaliseArguments(called["arguments"]);
}

function isFilled(value: unknown): boolean {
  if (typeof value === "string" || Array.isArray(value)) return value.length > 0;
  return isRecord(value);
}
