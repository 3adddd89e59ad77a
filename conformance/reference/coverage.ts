/**
 * Which checks exercise what the specification documents: each operation's statuses, media types and stream events, and
 * the events of realtime. What a check exercises is read from what crossed the wire while it judged the reference server;
 * no check says so itself.
 */

import {
  listHttpOperations,
  operations,
  realtimeClientEventSchema,
  realtimeServerEventSchema,
} from "@openai-compat/spec";
import { z } from "zod";
import type { Check } from "../src/check.ts";
import type { Exchange } from "../src/exchange.ts";
import { isJsonObject, type JsonObject } from "../src/json-object.ts";
import { bodyText } from "../src/response-body.ts";
import { COVERAGE_EXCLUSIONS } from "./coverage-exclusions.ts";

/** `coverage.json`. */
export interface Coverage {
  readonly items: readonly CoveredItem[];
  readonly excluded: readonly { readonly item: string; readonly reason: string }[];
  /** Documented, without a check and without a reason. */
  readonly gaps: readonly string[];
  /** Exclusions that match nothing, or something that a check does exercise. */
  readonly stale: readonly string[];
}

export interface CoveredItem {
  /** `createSpeech 413`, `createSpeech stream speech.audio.delta`, `realtime server session.created`. */
  readonly item: string;
  readonly checks: readonly string[];
}

/** A check that passed, and what crossed the wire meanwhile. */
export interface ExercisedCheck {
  readonly check: Pick<Check, "id" | "operation">;
  readonly exchanges: readonly Exchange[];
}

/** All that the specification documents, in its order. */
export function listDocumented(): readonly string[] {
  const http = listHttpOperations(operations).flatMap(
    ({ id, responseContentTypes, streaming, errorStatuses, ...rest }) => {
      const types = [...responseContentTypes, ...(streaming === null ? [] : ["text/event-stream"])];
      const events = streaming === null ? [] : listEvents(rest.streamEvent);
      return [
        ...types.map((type) => `${id} 200 ${type}`),
        ...errorStatuses.map((status) => `${id} ${status}`),
        ...events.map((event) => `${id} stream ${event}`),
      ];
    },
  );
  const realtime = (side: string, schema: z.ZodType): string[] =>
    listEvents(schema).map((event) => `realtime ${side} ${event}`);
  return [...http, ...realtime("client", realtimeClientEventSchema), ...realtime("server", realtimeServerEventSchema)];
}

/** The values of `type`, or of `object` where events have no type. */
function listEvents(schema: z.ZodType | null): readonly string[] {
  if (schema === null) return [];
  const document: unknown = z.toJSONSchema(schema, { unrepresentable: "any", io: "input" });
  if (!isJsonObject(document)) return [];
  const definitions = isJsonObject(document["$defs"]) ? document["$defs"] : {};
  const resolve = (part: JsonObject): JsonObject => {
    const target = definitions[String(part["$ref"]).replace("#/$defs/", "")];
    return isJsonObject(target) ? target : part;
  };
  const root = resolve(document);
  const variants = [root, ...objectsOf(root["oneOf"]), ...objectsOf(root["anyOf"])].map(resolve);
  return [...new Set(variants.flatMap(({ properties }) => (isJsonObject(properties) ? readTag(properties) : [])))];
}

function readTag(properties: JsonObject): readonly string[] {
  const tag = properties["type"] ?? properties["object"];
  if (!isJsonObject(tag)) return [];
  const values = [tag["const"], ...(Array.isArray(tag["enum"]) ? tag["enum"] : [])];
  return values.filter((value) => typeof value === "string");
}

function objectsOf(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

/** What one exchange shows of the documented items. */
function listExercised(exchange: Exchange): readonly string[] {
  const { request, response, messages } = exchange;
  const live = (messages ?? []).flatMap(({ from, data }) => {
    const type = /"type"\s*:\s*"([\w.]+)"/.exec(data)?.[1];
    return type === undefined ? [] : [`realtime ${from} ${type}`];
  });
  if (response === null) return live;
  const operation = listHttpOperations(operations).find(
    ({ method, path }) => method === request.method && matchPath(path).test(new URL(request.url).pathname),
  );
  if (operation === undefined) return live;
  const { id } = operation;
  if (response.status !== 200) return [...live, `${id} ${response.status}`];
  const type = String(response.headers["content-type"]).split(";")[0];
  const events = type === "text/event-stream" ? readEvents(bodyText(exchange)) : [];
  return [...live, `${id} 200 ${type}`, ...events.map((event) => `${id} stream ${event}`)];
}

function readEvents(text: string): readonly string[] {
  const tags = text.matchAll(/^data: ?\{.*?"(?:type|object)"\s*:\s*"([\w.]+)"/gm);
  return [...new Set([...tags].map(([, tag = ""]) => tag))];
}

function matchPath(path: string): RegExp {
  return new RegExp(`^/v1${path.replace("{model}", ".+").replaceAll(/\{\w+\}/g, "[^/]+")}$`);
}

export function summariseCoverage(judged: readonly ExercisedCheck[]): Coverage {
  const found = new Map<string, Set<string>>();
  for (const { check, exchanges } of judged) {
    for (const exchange of exchanges) {
      for (const item of listExercised(exchange)) {
        // Of another operation than its own a check only makes use.
        if (!isOwn(check, item)) continue;
        found.set(item, (found.get(item) ?? new Set()).add(check.id));
      }
    }
  }
  const documented = listDocumented();
  const items = documented.flatMap((item) => {
    const ids = found.get(item);
    return ids === undefined ? [] : [{ item, checks: [...ids].toSorted() }];
  });
  const covered = new Set(items.map(({ item }) => item));
  const missing = documented.filter((item) => !covered.has(item));
  const excluded = missing.flatMap((item) => {
    const row = COVERAGE_EXCLUSIONS.find(({ pattern }) => pattern.test(item));
    return row === undefined ? [] : [{ item, reason: row.reason }];
  });
  const reasons = new Set(excluded.map(({ item }) => item));
  return {
    items,
    excluded,
    gaps: missing.filter((item) => !reasons.has(item)),
    stale: COVERAGE_EXCLUSIONS.filter(
      ({ pattern, isEarly = false }) => !isEarly && !excluded.some(({ item }) => pattern.test(item)),
    ).map(({ pattern }) => pattern.source),
  };
}

function isOwn(check: ExercisedCheck["check"], item: string): boolean {
  const [subject = ""] = item.split(" ");
  return (
    check.operation === null || subject === check.operation || (subject === "realtime" && check.id.includes("realtime"))
  );
}

/** One line, and one for each gap. */
export function renderCoverage({ items, excluded, gaps, stale }: Coverage): readonly string[] {
  const total = items.length + excluded.length + gaps.length;
  return [
    ...gaps.map((item) => `not covered: ${item} has no check and no reason why not`),
    ...stale.map((pattern) => `stale exclusion: ${pattern}`),
    `coverage: ${items.length} of ${total} documented statuses, media types and events have a check, ${excluded.length} are excluded with a reason`,
  ];
}
