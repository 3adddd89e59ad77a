/**
 * What the reference's wire is made of, as the checks have seen it: the places of every answer, the events of every
 * stream, and the headers. Plain data, so that each thread generates the same faults from it.
 */

import type { HttpOperationId } from "@openai-compat/spec";
import { z } from "zod";
import { isJsonObject } from "../../src/expect.ts";
import type { ReferenceCall, Reply } from "../call.ts";
import type { CheckRecord, RecordedCall } from "../record-calls.ts";
import { readBody, readEvents } from "./edit-reply.ts";
import { modeOfReply } from "./fault.ts";
import { listPlaces } from "./paths.ts";

const modeSchema = z.enum(["body", "stream", "refusal"]);
const operationSchema = z.custom<HttpOperationId>((value) => typeof value === "string");

const placeSchema = z.object({
  path: z.string(),
  /** `string`, `number`, `boolean`, `null`, `array`, `object`. */
  types: z.array(z.string()),
  /** Whether two answers differ there. */
  varies: z.boolean(),
  /** Whether nothing but empty lists or objects has stood there, of which there is no other value. */
  isEmpty: z.boolean(),
});

export type PlaceShape = z.output<typeof placeSchema>;

const answerSchema = z.object({
  operation: operationSchema,
  mode: modeSchema,
  /** The kind of a stream's events; empty for a body. */
  kind: z.string(),
  /** Whether a stream has several of them. */
  repeats: z.boolean(),
  places: z.array(placeSchema),
});

/** Answers of one kind: those of an operation, or the events of a kind in its streams. */
export type AnswerShape = z.output<typeof answerSchema>;

const headerSchema = z.object({ operation: operationSchema, mode: modeSchema, name: z.string() });

export type HeaderShape = z.output<typeof headerSchema>;

const eventSchema = z.object({
  type: z.string(),
  /** Whether several of them belong to one turn. */
  repeats: z.boolean(),
  places: z.array(placeSchema),
});

/** The events of a type that realtime sessions are sent. */
export type EventShape = z.output<typeof eventSchema>;

export const wireShapeSchema = z.object({
  answers: z.array(answerSchema),
  headers: z.array(headerSchema),
  events: z.array(eventSchema),
});

export type WireShape = z.output<typeof wireShapeSchema>;

interface Answers {
  readonly operation: HttpOperationId;
  readonly mode: "body" | "stream" | "refusal";
  readonly kind: string;
  repeats: boolean;
  readonly places: NotedPlaces;
}

type NotedPlaces = Map<string, { types: Set<string>; values: Set<string> }>;

export function describeWire(records: readonly CheckRecord[]): WireShape {
  const answers = new Map<string, Answers>();
  const headers = new Map<string, HeaderShape>();
  // What a client sends there is no value of the document, and a response repeats it.
  for (const { calls } of records.filter(({ result }) => !result.check.id.startsWith("errors.types."))) {
    for (const { reply, call } of calls.flatMap((recorded) => readReplyCall(recorded) ?? [])) {
      if (call.operation === null || call.method === "OPTIONS") continue;
      const mode = modeOfReply(reply);
      const at = { operation: call.operation, mode };
      for (const name of Object.keys(reply.headers)) headers.set(`${at.operation} ${mode} ${name}`, { ...at, name });
      if (mode === "stream") noteEvents(answers, at, reply);
      else note(answers, { ...at, kind: "" }, readBody(reply));
    }
  }
  return {
    answers: [...answers.values()].map(({ places, ...shape }) => ({ ...shape, places: listShapes(places) })),
    headers: [...headers.values()],
    events: describeEvents(records),
  };
}

function listShapes(places: NotedPlaces): PlaceShape[] {
  return [...places].map(([path, { types, values }]) => ({
    path,
    types: [...types].toSorted(),
    varies: values.size > 1,
    isEmpty: [...values].every((value) => value === "[]" || value === "{}"),
  }));
}

/** An event that is sent so often in one step is one of several. */
const REPEATS_MIN = 2;

function describeEvents(records: readonly CheckRecord[]): EventShape[] {
  const events = new Map<string, { repeats: boolean; readonly places: NotedPlaces }>();
  const open = (type: string) => {
    const shape = events.get(type) ?? { repeats: false, places: new Map() };
    events.set(type, shape);
    return shape;
  };
  // What a client sends there is no value of the document, and the reference tells it as it was sent.
  const sound = records.filter(({ result }) => !result.check.id.startsWith("realtime.invariants.types-"));
  for (const { member, result } of sound.flatMap(({ calls }) => calls)) {
    if (member === "realtime.stamp" && isJsonObject(result)) {
      notePlaces(open(String(result["type"])).places, result);
    }
    if (member === "realtime.transcribe" && Array.isArray(result)) {
      const types = result.filter(isJsonObject).map(({ type }) => String(type));
      for (const [type, group] of Map.groupBy(types, (one) => one)) {
        if (group.length >= REPEATS_MIN) open(type).repeats = true;
      }
    }
  }
  return [...events].map(([type, { repeats, places }]) => ({ type, repeats, places: listShapes(places) }));
}

/** The finished reply and its call; null for another function of the wire. */
function readReplyCall({ member, parameters }: RecordedCall): { reply: Reply; call: ReferenceCall } | null {
  if (member !== "reply") return null;
  const [reply, call] = parameters;
  return isReply(reply) && isCall(call) ? { reply, call } : null;
}

function isReply(value: unknown): value is Reply {
  return typeof value === "object" && value !== null && "writes" in value;
}

function isCall(value: unknown): value is ReferenceCall {
  return typeof value === "object" && value !== null && "operation" in value;
}

type Kind = Pick<AnswerShape, "operation" | "mode" | "kind">;

function noteEvents(answers: Map<string, Answers>, at: Omit<Kind, "kind">, reply: Reply): void {
  const seen = new Set<string>();
  for (const { kind, data } of readEvents(reply)) {
    const shape = note(answers, { ...at, kind }, data);
    if (seen.has(kind)) shape.repeats = true;
    seen.add(kind);
  }
}

/** Two values are enough to tell that a place varies. */
const VALUES_MAX = 2;

function note(answers: Map<string, Answers>, kind: Kind, value: unknown): Answers {
  const key = `${kind.operation} ${kind.mode} ${kind.kind}`;
  const shape = answers.get(key) ?? { ...kind, repeats: false, places: new Map() };
  answers.set(key, shape);
  notePlaces(shape.places, value);
  return shape;
}

function notePlaces(places: NotedPlaces, value: unknown): void {
  for (const place of listPlaces(value)) {
    const known = places.get(place.path) ?? { types: new Set(), values: new Set() };
    places.set(place.path, known);
    known.types.add(typeOf(place.value));
    if (known.values.size < VALUES_MAX) known.values.add(JSON.stringify(place.value).slice(0, 200));
  }
}

export function typeOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}
