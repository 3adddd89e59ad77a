/**
 * The chunks of a streamed completion in OpenAI's format, whatever the upstream sent; their usage is read on the way.
 */

import type { ChunkOperationId, UpstreamRequest } from "@openai-compat/core";
import { createChunkEncoder } from "./chunk-encoder.ts";
import { NO_EVENTS, createChunkTemplate } from "./chunk-template.ts";
import type { EventReader } from "./event-reader.ts";
import { createHeldEndings } from "./held-endings.ts";
import { isRecord, type JsonRecord } from "./json-value.ts";
import { type ChoiceNormaliser, createChoiceNormaliser, moveText, type ReadChoice } from "./normalise-choice.ts";
import { encodeUsage, isFilledText, isIndex, normaliseArguments } from "./normalise-fields.ts";
import { tooFewChoices } from "./normalise-answer.ts";
import { createUsageCounter } from "./usage-counter.ts";
import { UpstreamError } from "./upstream-error.ts";

export interface ChunkReaderOptions {
  readonly request: UpstreamRequest;
  readonly operation: ChunkOperationId;
  readonly zeroUsageBelieved: boolean;
}

export function createChunkReader({ request, operation, zeroUsageBelieved }: ChunkReaderOptions): EventReader {
  const template = createChunkTemplate(operation === "createCompletion" ? "text" : "content");
  const counter = createUsageCounter(request, zeroUsageBelieved);
  const choices = createChoices(request, operation);
  const encoder = createChunkEncoder(request, operation);
  const endings = createHeldEndings(encoder, operation);

  /** @returns null for a choice that is not sent */
  function readChoice(choice: JsonRecord, position: number): ChunkChoice | null {
    moveText(choice, operation);
    const output = readOutput(choice);
    if (output !== null) counter.addOutput(output);
    const normaliser = choices.of(choice["index"], position);
    if (normaliser === null || (normaliser.hasFinished() && output === null)) return null;
    const hasOutput = output !== null;
    const { isSteady, isEnd } = normaliser.read(choice, hasOutput);
    return {
      choice,
      normaliser,
      isEnd,
      isSteady: isSteady && hasOutput,
      isSent: hasOutput || !isEnd || hasRole(choice),
    };
  }

  const onText = (output: string) => counter.addOutput(output);

  return {
    endsWithDone: true,
    tryFastPath(text) {
      const filled = endings.isEmpty() ? template.fill(text) : null;
      if (filled === null) return null;
      counter.addOutput(filled.text);
      return filled.sent;
    },
    readEvents(text, eventLengthMax) {
      return endings.isEmpty() ? template.fillEvents(text, { eventLengthMax, onText }) : NO_EVENTS;
    },
    read(text, value) {
      const listed = listRecords(value["choices"]);
      const read = listed.flatMap((choice, position) => readChoice(choice, position) ?? []);
      const report = readReport(value);
      counter.report(report, choices.areFinished());
      // A chunk that holds neither says nothing of what still comes.
      const isTelling = read.length > 0 || isRecord(report);
      const ended = isTelling ? endings.take(read.map(({ normaliser }) => normaliser)) : [];
      for (const { choice, normaliser, isEnd, isSent } of read) {
        if (isEnd) endings.hold(normaliser, value, isSent ? null : choice);
      }
      const kept = read.filter((choice) => choice.isSent);
      if (kept.length === 0) return ended;
      const sent = kept.map(({ choice }) => choice);
      const chunk = encoder.encode(value, sent);
      if (listed.length === 1 && kept[0]?.isSteady === true) template.learn(text, chunk);
      return [...ended, chunk];
    },
    end(isDone) {
      if (!choices.areFinished() && !(isDone && choices.haveBegun())) {
        throw new UpstreamError("broken", "The stream ended before the answer did.");
      }
      choices.checkNumber();
      const ends = [...endings.take([]), ...choices.finish().map((choice) => encoder.encode({}, [choice]))];
      if (!request.includeUsage) return ends;
      return [...ends, encoder.encodeUsage(encodeUsage(counter.reported(), counter.usage(true)))];
    },
    holdsBack: () => !endings.isEmpty(),
    release: () => endings.take([]),
    usage: (isOver) => counter.usage(isOver),
    source: () => counter.source(),
    isFinished: () => choices.areFinished(),
  };
}

/** A choice of a chunk in OpenAI's format, but for its reason. */
interface ChunkChoice extends ReadChoice {
  readonly choice: JsonRecord;
  readonly normaliser: ChoiceNormaliser;
  /** Whether it says anything but that it ends. */
  readonly isSent: boolean;
}

/** Only the first delta of a choice has one. */
function hasRole({ delta }: JsonRecord): boolean {
  return isRecord(delta) && "role" in delta;
}

/** Maps the choices of a chunk to those of the answer. */
function createChoices({ body }: UpstreamRequest, operation: ChunkOperationId) {
  const requested = body.kind === "json" && isIndex(body.value["n"]) ? body.value["n"] : 1;
  const isSingle = operation === "createChatCompletion" && requested === 1;
  const normalisers = new Map<number, ChoiceNormaliser>();
  let hasSeenFirst = false;
  return {
    /** @returns null for a choice that was not requested */
    of(theirIndex: unknown, position: number): ChoiceNormaliser | null {
      if (theirIndex === 0) hasSeenFirst = true;
      if (isSingle && isIndex(theirIndex) && theirIndex > 0 && hasSeenFirst) return null;
      // Some upstreams put a token count into the choice's index.
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
    finish: (): readonly JsonRecord[] =>
      [...normalisers.values()].map((choice) => choice.finish()).filter((choice) => choice !== null),
  };
}

function listRecords(value: unknown): readonly JsonRecord[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

/** Some upstreams have a field of their own for it. */
function readReport({ usage, x_groq: vendor }: JsonRecord): unknown {
  return isRecord(usage) || !isRecord(vendor) ? usage : vendor["usage"];
}

/** The generated text of a choice; null where nothing was generated: its role, its end. */
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
