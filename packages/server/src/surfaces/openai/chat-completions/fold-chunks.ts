/** The chunks of a streamed chat completion as the completion that they add up to, with whatever fields they have. */

import { isRecord } from "@openai-compat/core";
import type { WireObject } from "@openai-compat/core";

type Draft = Record<string, unknown>;

/** Chunks in OpenAI's format: what is said once is in one piece of it. */
export function foldChunks(chunks: readonly WireObject[]): WireObject {
  const answer: Draft = {};
  const choices = new Map<unknown, Draft>();
  for (const { choices: pieces, ...fields } of chunks) {
    Object.assign(answer, omitNull(fields));
    for (const piece of Array.isArray(pieces) ? pieces.filter(isRecord) : []) {
      const draft = choices.get(piece["index"]) ?? {};
      choices.set(piece["index"], draft);
      merge(draft, piece);
    }
  }
  const ordered = [...choices.values()].toSorted((a, b) => Number(a["index"]) - Number(b["index"]));
  return { ...answer, object: "chat.completion", choices: ordered.map(finishChoice) };
}

function omitNull(fields: WireObject): WireObject {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

/** Texts that are words and no pieces of one. */
const WORDS: ReadonlySet<string> = new Set(["role", "type", "id", "finish_reason", "format"]);

function merge(draft: Draft, piece: WireObject): void {
  for (const [name, value] of Object.entries(piece)) {
    const before = Object.hasOwn(draft, name) ? draft[name] : null;
    if (value === null && before !== null) continue;
    // Set in this way, a field of any name is one of the draft's own.
    Object.defineProperty(draft, name, { ...OWN_FIELD, value: join(name, before, value) });
  }
}

const OWN_FIELD = { enumerable: true, configurable: true, writable: true };

function join(name: string, before: unknown, value: unknown): unknown {
  if (typeof value === "string" && typeof before === "string" && !WORDS.has(name)) return before + value;
  if (Array.isArray(value)) return joinLists(Array.isArray(before) ? before : [], value);
  if (!isRecord(value)) return value;
  const draft: Draft = isRecord(before) ? before : {};
  merge(draft, value);
  return draft;
}

/** Entries with an index are pieces of one that has it. */
function joinLists(list: unknown[], pieces: readonly unknown[]): unknown[] {
  for (const piece of pieces) {
    const known =
      isRecord(piece) && typeof piece["index"] === "number"
        ? list.find((entry): entry is Draft => isRecord(entry) && entry["index"] === piece["index"])
        : undefined;
    if (known !== undefined && isRecord(piece)) merge(known, piece);
    else list.push(isRecord(piece) ? join("", null, piece) : piece);
  }
  return list;
}

function finishChoice({ delta, logprobs = null, ...choice }: Draft): WireObject {
  const { tool_calls: calls, ...said } = isRecord(delta) ? delta : {};
  const called = Array.isArray(calls) ? calls.filter(isRecord) : [];
  const message = {
    content: null,
    refusal: null,
    ...said,
    ...(called.length === 0 ? {} : { tool_calls: called.map(({ index: _index, ...call }) => call) }),
  };
  return { ...choice, message, logprobs };
}
