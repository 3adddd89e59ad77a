/**
 * The parameters of a realtime session, read from the specification, with documented values of each: for checks that
 * send each of them in a `session.update`. Nothing here judges.
 */

import {
  realtimeSessionCreateRequestSchema,
  realtimeTranscriptionSessionCreateRequestSchema,
} from "@openai-compat/spec";
import { z } from "zod";
import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import { JSON_TYPES, type JsonType } from "./plain-requests.ts";

export type SessionType = "transcription" | "realtime";

export interface RealtimeParameter {
  /** Below `session`: `audio.input.turn_detection.threshold`. */
  readonly path: string;
  /** The kind of session that has it; `transcription` where both have. */
  readonly kind: SessionType;
  /** Documented; none for a group, or for what only the server knows, such as its models. */
  readonly values: readonly unknown[];
  /** Types that the document gives it. */
  readonly types: readonly JsonType[];
  /** What the document wants beside it: the type of a turn detection. By path. */
  readonly beside: ReadonlyMap<string, unknown>;
}

/** Where a place takes any text, one that makes sense. Null: only the server knows one. */
const TEXTS: Readonly<Record<string, string | null>> = {
  model: null,
  language: "en",
  languages: "en",
  prompt: "An inaugural address.",
  voice: "alloy",
  tool_choice: "auto",
  effort: "low",
  keywords: "Americans",
  id: null,
  type: null,
};
/** Where the least that is documented is no value that anybody sends. */
const NUMBERS: Readonly<Record<string, readonly number[]>> = {
  threshold: [0.5, 0.9],
  prefix_padding_ms: [300],
  silence_duration_ms: [500, 900],
};
/** Objects of which the document leaves open what is in them. */
const OBJECTS: Readonly<Record<string, JsonObject>> = {
  tools: { type: "function", name: "look", parameters: { type: "object", properties: {} } },
  tool_choice: { type: "function", name: "look" },
  truncation: { type: "retention_ratio", retention_ratio: 0.5 },
};

interface Found {
  readonly path: readonly string[];
  readonly options: readonly JsonObject[];
  readonly beside: ReadonlyMap<string, unknown>;
}

function listOptions(schema: unknown, definitions: JsonObject): readonly JsonObject[] {
  if (!isJsonObject(schema)) return [];
  const { $ref: reference, anyOf, oneOf } = schema;
  if (typeof reference === "string") {
    return listOptions(definitions[reference.split("/").at(-1) ?? ""], definitions);
  }
  const inner = Array.isArray(anyOf) ? anyOf : Array.isArray(oneOf) ? oneOf : null;
  return inner === null ? [schema] : inner.flatMap((option: unknown) => listOptions(option, definitions));
}

function constantOf(schema: unknown): unknown {
  return isJsonObject(schema) ? schema["const"] : undefined;
}

/** Every place below an object, itself not. */
function* walk({ path, options, beside }: Found, definitions: JsonObject): Generator<Found> {
  for (const { properties } of options) {
    if (!isJsonObject(properties)) continue;
    const constant = path.length === 0 ? undefined : constantOf(properties["type"]);
    const next = new Map(beside);
    if (constant !== undefined) next.set([...path, "type"].join("."), constant);
    for (const [name, schema] of Object.entries(properties)) {
      if (path.length === 0 && name === "type") continue;
      const found = { path: [...path, name], options: listOptions(schema, definitions), beside: next };
      yield found;
      yield* walk(found, definitions);
    }
  }
}

function listValues(name: string, schema: JsonObject, definitions: JsonObject): readonly unknown[] {
  const { const: constant, enum: choices, minimum, maximum, items, properties } = schema;
  if (constant !== undefined) return [constant];
  if (Array.isArray(choices)) return choices;
  switch ([schema["type"]].flat()[0]) {
    case "boolean":
      return [true, false];
    case "integer":
    case "number":
      return NUMBERS[name] ?? [minimum, maximum].map((value) => (Math.abs(Number(value)) < 1e6 ? value : 1));
    case "string":
      return TEXTS[name] === null ? [] : [TEXTS[name] ?? "Be brief."];
    case "array":
      return listOptions(items, definitions).flatMap((option) =>
        listValues(name, option, definitions).map((value) => [value]),
      );
    case "object": {
      const isOpen = !isJsonObject(properties) || Object.keys(properties).length === 0 || name in OBJECTS;
      return isOpen ? [OBJECTS[name] ?? {}] : [];
    }
    default:
      return [];
  }
}

function typesOf(schema: JsonObject): readonly JsonType[] {
  const sample = constantOf(schema) ?? (Array.isArray(schema["enum"]) ? schema["enum"][0] : undefined);
  const named = sample === undefined ? [schema["type"]].flat() : [typeof sample];
  return JSON_TYPES.filter((known) => named.includes(known) || (known === "number" && named.includes("integer")));
}

function listOf(kind: SessionType, schema: z.ZodType): readonly RealtimeParameter[] {
  const document: unknown = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  if (!isJsonObject(document)) return [];
  const definitions = isJsonObject(document["$defs"]) ? document["$defs"] : {};
  const root = { path: [], options: listOptions(document, definitions), beside: new Map<string, unknown>() };
  const merged = new Map<string, RealtimeParameter>();
  for (const { path, options, beside } of walk(root, definitions)) {
    const name = path.at(-1) ?? "";
    const key = path.join(".");
    const known = merged.get(key);
    const values = options.flatMap((option) => listValues(name, option, definitions));
    const types = options.flatMap(typesOf);
    merged.set(key, {
      path: key,
      kind,
      values: distinct([...(known?.values ?? []), ...values]),
      types: [...new Set([...(known?.types ?? []), ...types])],
      beside: known?.beside ?? beside,
    });
  }
  return [...merged.values()];
}

function distinct(values: readonly unknown[]): readonly unknown[] {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
}

function listAll(): readonly RealtimeParameter[] {
  const heard = listOf("transcription", realtimeTranscriptionSessionCreateRequestSchema);
  const known = new Set(heard.map(({ path }) => path));
  const spoken = listOf("realtime", realtimeSessionCreateRequestSchema);
  return [...heard, ...spoken.filter(({ path }) => !known.has(path))];
}

export const REALTIME_PARAMETERS: readonly RealtimeParameter[] = listAll();

/** The `session` of an update that sets it, and what has to stand beside it. */
export function composeParameter({ path, kind, beside }: RealtimeParameter, value: unknown): JsonObject {
  const own = [...beside].filter(([place]) => place !== path && !place.startsWith(`${path}.`));
  return [...own, [path, value] as const].reduce<JsonObject>(
    (session, [place, member]) => setAt(session, place.split("."), member),
    { type: kind },
  );
}

function setAt(object: JsonObject, [name = "", ...rest]: readonly string[], value: unknown): JsonObject {
  const { [name]: inner } = object;
  return { ...object, [name]: rest.length === 0 ? value : setAt(isJsonObject(inner) ? inner : {}, rest, value) };
}
