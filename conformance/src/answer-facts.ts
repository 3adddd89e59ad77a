/**
 * What of an answer comes again when the same request is sent again: its status, which fields it has and of which types,
 * and the values of each field. Pure; judges nothing.
 */

import type { Exchange } from "./exchange.ts";
import { isJsonObject } from "./json-object.ts";
import { bodyBytes } from "./response-body.ts";
import { parseSse } from "./sse.ts";

export interface AnswerFacts {
  /** Null when no response arrived. */
  readonly status: number | null;
  /** Of the content type, without parameters; null without one. */
  readonly mediaType: string | null;
  readonly headers: Readonly<Record<string, string>>;
  /**
   * By path without indices (`choices[].index`): the scalars there in their order. Of a stream each of them once, and
   * the pieces of a text as one. `choices.length` holds the lengths of a list; `body` a body that is no JSON.
   */
  readonly values: ReadonlyMap<string, readonly Scalar[]>;
  /** Sorted lines: each path with its types, and of a stream how it ends. */
  readonly shape: readonly string[];
}

export type Scalar = string | number | boolean | null;

/** Keys of texts that a stream sends in pieces. */
const PIECES = /(?:^|\.)(?:content|text|arguments|reasoning|reasoning_content|refusal|delta|transcript)$/;

export function collectFacts(exchange: Exchange): AnswerFacts {
  const { response } = exchange;
  const walk: Walk = { values: new Map(), types: new Map() };
  if (response === null) return { status: null, mediaType: null, headers: {}, values: walk.values, shape: [] };
  const mediaType = response.headers["content-type"]?.split(";")[0]?.trim().toLowerCase() ?? null;
  const bytes = bodyBytes(exchange);
  const framing = mediaType === "text/event-stream" ? walkEvents(bytes, walk) : walkBody(bytes, walk);
  const types = [...walk.types].map(([path, found]) => `${path}: ${[...found].sort().join(" or ")}`);
  return {
    status: response.status,
    mediaType,
    headers: response.headers,
    values: walk.values,
    shape: [...types, ...framing, ...(response.end === "cut" ? ["the body is cut"] : [])].sort(),
  };
}

interface Walk {
  readonly values: Map<string, Scalar[]>;
  readonly types: Map<string, Set<string>>;
}

function walkEvents(bytes: Uint8Array, walk: Walk): string[] {
  const lines = new Set<string>();
  let isDone = false;
  for (const { data, event } of parseSse(bytes).frames) {
    if (event !== null) lines.add(`event ${event}`);
    if (data === null) continue;
    if (data === "[DONE]") isDone = true;
    else if (!walkJson(data, walk)) lines.add("data that is no JSON");
  }
  for (const [path, values] of walk.values) {
    const pieces = values.filter((value) => typeof value === "string");
    // How many chunks a text takes differs from time to time.
    walk.values.set(path, PIECES.test(path) && pieces.length > 0 ? [pieces.join("")] : [...new Set(values)]);
  }
  return [...lines, isDone ? "ends with [DONE]" : "does not end with [DONE]"];
}

function walkBody(bytes: Uint8Array, walk: Walk): string[] {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    if (text === "") return ["an empty body"];
    if (walkJson(text, walk)) return [];
    walk.values.set("body", [text]);
    return ["a text"];
  } catch {
    walk.values.set("body.length", [bytes.byteLength]);
    return ["bytes"];
  }
}

/** @returns whether the text is JSON */
function walkJson(text: string, walk: Walk): boolean {
  try {
    walkValue(JSON.parse(text), "", walk);
    return true;
  } catch {
    return false;
  }
}

function walkValue(value: unknown, path: string, walk: Walk): void {
  const add = (type: string): void => void keep(walk.types, path === "" ? "(body)" : path, new Set<string>()).add(type);
  if (Array.isArray(value)) {
    add("list");
    keep(walk.values, `${path}.length`, []).push(value.length);
    for (const item of value) walkValue(item, `${path}[]`, walk);
  } else if (isJsonObject(value)) {
    add("object");
    for (const [key, item] of Object.entries(value)) walkValue(item, path === "" ? key : `${path}.${key}`, walk);
  } else if (isScalar(value)) {
    add(value === null ? "null" : typeof value);
    keep(walk.values, path === "" ? "body" : path, []).push(value);
  }
}

function isScalar(value: unknown): value is Scalar {
  return value === null || ["string", "number", "boolean"].includes(typeof value);
}

function keep<V>(map: Map<string, V>, key: string, initial: V): V {
  const value = map.get(key) ?? initial;
  map.set(key, value);
  return value;
}
