/** Reads and changes finished replies: the JSON of a body, and the events of a stream. What does not change stays itself. */

import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import type { Reply, Write } from "../call.ts";
import { oneWrite, readReply } from "../mutants/mutant.ts";

const parsed = new WeakMap<Reply, unknown>();

/** The JSON of a body; undefined for one that is none. */
export function readBody(reply: Reply): unknown {
  if (!parsed.has(reply)) parsed.set(reply, parseBody(reply));
  return parsed.get(reply);
}

function parseBody(reply: Reply): unknown {
  const isJson = reply.headers["content-type"]?.startsWith("application/json") === true;
  return isJson && reply.writes.length > 0 ? parse(readReply(reply)) : undefined;
}

export function changeBody(reply: Reply, change: (body: unknown) => unknown): Reply {
  const body = readBody(reply);
  if (body === undefined) return reply;
  const changed = change(body);
  return changed === body ? reply : { ...reply, writes: oneWrite(JSON.stringify(changed)) };
}

/** One event of a stream as it is written. */
export interface WrittenEvent {
  readonly write: Write;
  /** What the event is for in its stream: `start`, `text`, `finish`, `usage`, `done`. */
  readonly kind: string;
  /** Null for the sentinel. */
  readonly data: JsonObject | null;
}

const events = new WeakMap<Reply, readonly WrittenEvent[]>();

export function readEvents(reply: Reply): readonly WrittenEvent[] {
  const known = events.get(reply);
  if (known !== undefined) return known;
  const read = reply.writes.map((write) => readEvent(write));
  events.set(reply, read);
  return read;
}

function readEvent(write: Write): WrittenEvent {
  const data = parse(stripFields(String(write.data)));
  return isJsonObject(data) ? { write, kind: kindOf(data), data } : { write, kind: "done", data: null };
}

/** The data of a frame alone: without the name of its event, where it has one. */
export function stripFields(frame: string): string {
  return frame.replace(/^(?:event: [^\n]*\n)?data: /, "").trimEnd();
}

/** The event with another text as its data; it keeps its name. */
export function withText(event: WrittenEvent, text: string): WrittenEvent {
  const [name = ""] = /^event: [^\n]*\n/.exec(String(event.write.data)) ?? [];
  return { ...event, write: { ...event.write, data: `${name}data: ${text}\n\n` } };
}

export function changeEvents(reply: Reply, change: (list: readonly WrittenEvent[]) => readonly WrittenEvent[]): Reply {
  const before = readEvents(reply);
  const after = change(before);
  const isSame = after.length === before.length && after.every((event, index) => event === before[index]);
  return isSame ? reply : { ...reply, writes: after.map(({ write }) => write) };
}

/** The event with other data. */
export function withData(event: WrittenEvent, data: unknown): WrittenEvent {
  if (data === event.data) return event;
  return { ...withText(event, JSON.stringify(data)), data: isJsonObject(data) ? data : null };
}

function kindOf(data: JsonObject): string {
  const { type, choices, error } = data;
  if (error !== undefined) return "error";
  if (typeof type === "string") return type;
  if (!Array.isArray(choices)) return "other";
  const [choice]: readonly unknown[] = choices;
  if (!isJsonObject(choice)) return "usage";
  if (choice["finish_reason"] !== null) return "finish";
  const { delta } = choice;
  if (!isJsonObject(delta)) return "text";
  if (delta["role"] !== undefined) return "start";
  if (!Array.isArray(delta["tool_calls"])) return "text";
  return delta["tool_calls"].some((call) => isJsonObject(call) && call["id"] !== undefined) ? "call" : "arguments";
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
