/**
 * The calls of one streamed choice, as OpenAI streams them: each has an index of its own from 0 on; id, type and name
 * come once, with its first piece; arguments are pieces of a text.
 */

import { isRecord, type JsonRecord } from "./json-value.ts";
import { createCallId, isFilledText, isIndex, normaliseArguments } from "./normalise-fields.ts";

interface TrackedCall {
  /** Of the stream that is sent. */
  readonly index: number;
  /** The upstream's index; null where it sent none. */
  readonly theirIndex: number | null;
  readonly theirId: string | null;
}

export interface ToolCallTracker {
  /** The entries of one delta; two pieces of one call become one. */
  read(entries: readonly unknown[]): readonly JsonRecord[];
  hasCalls(): boolean;
}

export function createToolCallTracker(): ToolCallTracker {
  const calls: TrackedCall[] = [];

  /** A new id with a name begins a call, also where the index was used before: some upstreams send 0 for all. */
  function find(entry: JsonRecord, name: string | null): TrackedCall | null {
    const theirId = readId(entry);
    const byId = theirId === null ? undefined : calls.findLast((call) => call.theirId === theirId);
    if (byId !== undefined) return byId;
    const theirIndex = isIndex(entry["index"]) ? entry["index"] : null;
    if (theirIndex === null) return theirId === null && name === null ? (calls.at(-1) ?? null) : null;
    const byIndex = calls.findLast((call) => call.theirIndex === theirIndex);
    if (byIndex === undefined) return null;
    return theirId !== null && name !== null && byIndex.theirId !== null ? null : byIndex;
  }

  function begin(entry: JsonRecord): TrackedCall {
    const theirIndex = isIndex(entry["index"]) ? entry["index"] : null;
    const call = { index: calls.length, theirIndex, theirId: readId(entry) };
    calls.push(call);
    return call;
  }

  function readEntry(entry: JsonRecord): JsonRecord {
    if (isRecord(entry["custom"])) {
      const known = find(entry, readName(entry["custom"]));
      return { ...entry, index: (known ?? begin(entry)).index };
    }
    const called = isRecord(entry["function"]) ? entry["function"] : {};
    const name = readName(called);
    const known = find(entry, name);
    const text = normaliseArguments(called["arguments"]);
    if (known !== null) return { index: known.index, function: { arguments: text } };
    const { index, theirId } = begin(entry);
    return {
      index,
      id: theirId ?? createCallId(),
      type: "function",
      function: { name: name ?? "", arguments: text },
    };
  }

  return {
    read(entries) {
      const sent = new Map<unknown, JsonRecord>();
      for (const entry of entries) {
        if (!isRecord(entry)) continue;
        const piece = readEntry(entry);
        const earlier = sent.get(piece["index"]);
        if (earlier === undefined) sent.set(piece["index"], piece);
        else append(earlier, piece);
      }
      return [...sent.values()];
    },
    hasCalls: () => calls.length > 0,
  };
}

function append({ function: target }: JsonRecord, { function: piece }: JsonRecord): void {
  if (!isRecord(target) || !isRecord(piece)) return;
  target["arguments"] = normaliseArguments(target["arguments"]) + normaliseArguments(piece["arguments"]);
}

function readName(called: JsonRecord): string | null {
  return isFilledText(called["name"]) ? called["name"] : null;
}

/** Some upstreams put it into the function. */
function readId(entry: JsonRecord): string | null {
  if (isFilledText(entry["id"])) return entry["id"];
  const called = entry["function"];
  return isRecord(called) && isFilledText(called["id"]) ? called["id"] : null;
}

/** The calls of a non-streaming message. */
export function normaliseToolCalls(calls: readonly unknown[]): readonly JsonRecord[] {
  return calls.filter(isRecord).map((entry) => {
    const { index: _index, ...call } = entry;
    if (isRecord(call["custom"])) return { ...call, id: readId(entry) ?? createCallId() };
    const called = isRecord(entry["function"]) ? entry["function"] : {};
    return {
      ...call,
      id: readId(entry) ?? createCallId(),
      type: "function",
      function: { name: readName(called) ?? "", arguments: normaliseArguments(called["arguments"]) },
    };
  });
}
