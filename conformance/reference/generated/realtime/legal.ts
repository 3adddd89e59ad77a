/** Variations of realtime connections that are legal: what servers do, and every client takes. No check may object. */

import { randomUUID } from "node:crypto";
import { isJsonObject, type JsonObject } from "../../../src/expect.ts";
import { isCompleted, isDelta } from "../../mutants/realtime/mutate-realtime.ts";
import { omit } from "../../mutants/mutant.ts";
import { OPCODES, writeClose, writeFrame } from "../../realtime/frames.ts";
import type { RealtimeWire } from "../../realtime/realtime-wire.ts";
import type { ServerEvent } from "../../realtime/session.ts";
import type { Variation } from "../fault.ts";

type Change = (wire: RealtimeWire) => Partial<RealtimeWire>;
type Events = readonly ServerEvent[];

/** Changes the events of each step. */
const inSteps =
  (change: (events: Events) => Events): Change =>
  () => ({ step: (step) => ({ ...step, events: change(step.events) }) });

/** Changes what is said of a turn's text. */
const inTexts =
  (change: (events: Events) => Events): Change =>
  ({ transcribe }) => ({ transcribe: (turn, wire) => change(transcribe(turn, wire)) });

const inEvents = (change: (event: JsonObject) => JsonObject): Change => {
  return ({ stamp }) => ({ stamp: (event, place) => change(stamp(event, place)) });
};

function splitDeltas(event: ServerEvent): Events {
  return isDelta(event) ? Array.from(String(event["delta"]), (delta) => ({ ...event, delta })) : [event];
}

function joinDeltas(events: Events): Events {
  const deltas = events.filter(isDelta);
  const [first] = deltas;
  const delta = deltas.map((event) => String(event["delta"])).join("");
  return [...(first === undefined ? [] : [{ ...first, delta }]), ...events.filter((event) => !isDelta(event))];
}

const TOKENS = {
  type: "tokens",
  input_tokens: 14,
  output_tokens: 6,
  total_tokens: 20,
  input_token_details: { text_tokens: 0, audio_tokens: 14 },
};

/** Every object in a value gets more members. */
function extend(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(extend);
  if (!isJsonObject(value)) return value;
  const inner = Object.fromEntries(Object.entries(value).map(([name, member]) => [name, extend(member)]));
  return { ...inner, x_extension: { note: "more" } };
}

/** Ids of another shape, the same for the same. */
function renameIds(): (event: JsonObject) => JsonObject {
  const names = new Map<string, string>();
  const rename = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(rename);
    if (isJsonObject(value)) return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, rename(one)]));
    if (typeof value !== "string" || !/^(?:item|sess|event)_\d/.test(value)) return value;
    const known = names.get(value) ?? randomUUID();
    names.set(value, known);
    return known;
  };
  return (event) => ({ ...event, ...toObject(rename(event)) });
}

function toObject(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}

const changeItem = (change: (item: JsonObject) => JsonObject): Change =>
  inEvents((event) => (isJsonObject(event["item"]) ? { ...event, item: change(event["item"]) } : event));
const changeSession = (change: (session: JsonObject) => JsonObject): Change =>
  inEvents((event) => (isJsonObject(event["session"]) ? { ...event, session: change(event["session"]) } : event));
const changeError = (change: (error: JsonObject) => JsonObject): Change =>
  inEvents((event) => (isJsonObject(event["error"]) ? { ...event, error: change(event["error"]) } : event));

const withFirst = (frame: Buffer, first: number): Buffer => Buffer.concat([Buffer.from([first]), frame.subarray(1)]);

/** In two frames. */
function fragment(event: JsonObject): Uint8Array {
  const bytes = Buffer.from(JSON.stringify(event));
  const cut = bytes.length >> 1;
  const first = withFirst(writeFrame(OPCODES.text, bytes.subarray(0, cut)), OPCODES.text);
  return Buffer.concat([first, writeFrame(OPCODES.continuation, bytes.subarray(cut))]);
}

const CHANGES: Readonly<Record<string, Change>> = {
  "unknown-fields": inEvents((event) => toObject(extend(event))),
  "unknown-events": inSteps((events) => events.flatMap((event) => [event, { type: "x.extension", note: "more" }])),
  "rate-limits": inSteps((events) => [
    ...events,
    ...(events.some(isCompleted)
      ? [{ type: "rate_limits.updated", rate_limits: [{ name: "requests", limit: 9, remaining: 8, reset_seconds: 1 }] }]
      : []),
  ]),
  "one-delta": inTexts(joinDeltas),
  "letters-one-by-one": inTexts((events) => events.flatMap(splitDeltas)),
  "no-deltas": inTexts((events) => events.filter((event) => !isDelta(event))),
  "empty-delta-first": inTexts((events) => {
    const first = events.find(isDelta);
    return first === undefined ? events : [{ ...first, delta: "" }, ...events];
  }),
  "logprobs-null": inTexts((events) => events.map((event) => ({ ...event, logprobs: null }))),
  "usage-in-tokens": inTexts((events) =>
    events.map((event) => (isCompleted(event) ? { ...event, usage: TOKENS } : event)),
  ),
  "deltas-before-done": ({ turn }) => ({
    turn: (given, wire) => {
      const events = turn(given, wire);
      const done = events.filter(({ type }) => type === "conversation.item.done");
      const ends = events.filter(isCompleted);
      return [...events.filter((event) => !done.includes(event) && !ends.includes(event)), ...done, ...ends];
    },
  }),
  "other-ids": (wire) => inEvents(renameIds())(wire),
  "in-progress-when-added": inEvents((event) =>
    event["type"] === "conversation.item.added" && isJsonObject(event["item"])
      ? { ...event, item: { ...event["item"], status: "in_progress" } }
      : event,
  ),
  "item-without-transcript": changeItem((item) => ({ ...item, content: [{ type: "input_audio" }] })),
  "item-without-object": changeItem((item) => omit(item, "object")),
  "no-previous-item-null": inEvents((event) =>
    event["previous_item_id"] === null ? omit(event, "previous_item_id") : event,
  ),
  "session-without-end": changeSession((session) => omit(session, "expires_at")),
  "session-with-more": changeSession((session) => ({ tracing: null, prompt: null, truncation: "auto", ...session })),
  "error-without-param": changeError((error) => omit(error, "param")),
  "longer-errors": changeError((error) => ({
    ...error,
    message: `${String(error["message"])} (See the documentation; request 4711.)`,
  })),
  "key-order": inEvents((event) => Object.fromEntries(Object.entries(event).toReversed())),
  whitespace: () => ({ frame: (event) => writeFrame(OPCODES.text, Buffer.from(JSON.stringify(event, null, 2))) }),
  "in-two-frames": () => ({ frame: fragment }),
  pings: ({ frame }) => ({
    frame: (event) => Buffer.concat([writeFrame(OPCODES.ping, Buffer.from("alive")), frame(event)]),
  }),
  "close-with-reason": () => ({ closeReply: () => writeClose(1000, "goodbye") }),
  "more-headers": () => ({ headers: () => ({ server: "a proxy", "openai-version": "2020-10-01", date: "now" }) }),
};

export const REALTIME_VARIATIONS: readonly Variation[] = Object.entries(CHANGES).map(([id, change]) => ({
  id: `legal.realtime.${id}`,
  description: id.replaceAll("-", " "),
  mutate: ({ realtime }) => ({ realtime: { ...realtime, ...change(realtime) } }),
}));
