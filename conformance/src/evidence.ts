/**
 * What of a failed check its one printed request shows, in a form that a script can compare: the status, and the value or
 * the absence that the check objected to. It knows the words of failures, and no check.
 */

import { z } from "zod";
import { type AnswerFacts, collectFacts, type Scalar } from "./answer-facts.ts";
import type { Exchange } from "./exchange.ts";
import { isJsonObject } from "./json-object.ts";

export const evidenceSchema = z.strictObject({
  status: z.int().nullable().describe("Of the answer; null when no response arrived."),
  media_type: z.string().nullable(),
  values: z
    .record(z.string(), z.string())
    .describe("What was objected to: the values at a path, as JSON, or a header. Long ones are cut."),
  shape: z
    .array(z.string())
    .nullable()
    .describe("Every field with its types, where something is missing or the status is wrong; null where it isn't."),
  shows_failure: z
    .boolean()
    .describe("False where one answer can't show it, such as a comparison of two answers, or a time."),
});

export type Evidence = z.infer<typeof evidenceSchema>;

export interface Objection {
  readonly expected: string;
  readonly actual: string;
}

const VALUE_LENGTH_MAX = 400;
const VALUES_MAX = 12;
const SHAPE_LINES_MAX = 80;

/** Fields that differ each time. */
const VOLATILE = /(?:^|\.)(?:id|created|created_at|system_fingerprint|request_id|service_tier|timings\..*)$/;
const FREE_TEXT = /(?:^|\.)(?:content|text|arguments|reasoning|reasoning_content|message|transcript|body)$/;
/** Words of failures that say that something is not there, or that a client could not read what is. */
const ABSENCE = /^(?:nothing|none|null|undefined|""|\[null\]|no |it threw )|Invalid (?:input|option)/;

export function encodeEvidence(objection: Objection, exchange: Exchange): Evidence {
  const facts = collectFacts(exchange);
  const values = pinValues(objection, facts);
  // Of an answer that was left before its end the rest is not known.
  const isWhole = exchange.response === null || ["clean", "cut"].includes(exchange.response.end);
  const isStatus = facts.status === null || namesStatus(objection.actual, facts.status);
  const lacks = ABSENCE.test(objection.actual) || lacksKey(objection);
  const hasValues = Object.keys(values).length > 0;
  return {
    status: facts.status,
    media_type: facts.mediaType,
    values,
    shape: (isStatus || lacks) && isWhole ? facts.shape.slice(0, SHAPE_LINES_MAX) : null,
    shows_failure: isStatus || (lacks && isWhole) || hasValues,
  };
}

/** Of several requests the last whose answer has most of what was objected to, so that the printed one shows it. */
export function chooseEvidence(objection: Objection, exchanges: readonly Exchange[]): Exchange | null {
  const measured = exchanges.map((exchange) => {
    const facts = collectFacts(exchange);
    const isStatus = facts.status !== null && namesStatus(objection.actual, facts.status);
    return { exchange, parts: (isStatus ? 1 : 0) + findShown(objection, facts).length };
  });
  const most = Math.max(...measured.map(({ parts }) => parts));
  return measured.findLast(({ parts }) => parts === most)?.exchange ?? null;
}

/** @returns what does not come again, in words; null when the answer shows the failure again */
export function compareEvidence(evidence: Evidence, exchange: Exchange): string | null {
  const facts = collectFacts(exchange);
  if (facts.status !== evidence.status) return `status ${facts.status ?? "none"}, not ${evidence.status ?? "none"}`;
  if (facts.mediaType !== evidence.media_type) return `${facts.mediaType}, not ${evidence.media_type}`;
  for (const [path, value] of Object.entries(evidence.values)) {
    const found = encodeFact(path, facts);
    if (found !== value) return `${path} ${found}, not ${value}`;
  }
  if (evidence.shape === null) return null;
  const shape = facts.shape.slice(0, SHAPE_LINES_MAX);
  const lost = evidence.shape.find((line) => !shape.includes(line));
  const gained = shape.find((line) => !evidence.shape?.includes(line));
  if (lost !== undefined) return `without "${lost}"`;
  return gained === undefined ? null : `with "${gained}"`;
}

function namesStatus(actual: string, status: number): boolean {
  return new RegExp(`\\bstatus ${status}\\b`).test(actual);
}

/** Of a fragment that the failure shows: a field that was expected, and is not in it. */
function lacksKey({ expected, actual }: Objection): boolean {
  const fragment = parseFragment(actual);
  if (!isJsonObject(fragment)) return false;
  const keys = new Set(listLeaves(fragment).map(({ key }) => key));
  return listWords(expected).some((word) => FIELDS.has(word) && !keys.has(word));
}

/** Fields of answers that failures name; other words of an expectation name none. */
const FIELDS = new Set(
  "id object created owned_by role index finish_reason usage prompt_tokens completion_tokens total_tokens tool_calls logprobs text content choices".split(
    " ",
  ),
);

function pinValues(objection: Objection, facts: AnswerFacts): Record<string, string> {
  const paths = [...findHeader(objection), ...findPaths(objection, facts)];
  return Object.fromEntries(paths.slice(0, VALUES_MAX).map((path) => [path, encodeFact(path, facts)]));
}

/** @returns the values at a path, or of `header name`, as JSON; cut where it is long */
function encodeFact(path: string, facts: AnswerFacts): string {
  const header = /^header (\S+)$/.exec(path)?.[1];
  const values = header === undefined ? (facts.values.get(path) ?? null) : (facts.headers[header] ?? null);
  return JSON.stringify(values).slice(0, VALUE_LENGTH_MAX);
}

function findHeader({ expected }: Objection): string[] {
  const name = /^(?:no )?header (\S+)/.exec(expected)?.[1];
  return name === undefined ? [] : [`header ${name.toLowerCase()}`];
}

/** Where the values are that the failure shows. */
function findShown({ actual }: Objection, { values }: AnswerFacts): string[] {
  // The body behind a status is no value of its own.
  const shown = actual.replace(/, (?:empty )?body.*$/s, "");
  const fragment = parseFragment(shown) ?? lastNumber(shown);
  return [...values].flatMap(([path, list]) =>
    !VOLATILE.test(path) && hasFragment(fragment, path, list) ? [path] : [],
  );
}

/** Those that the expectation names count alone; free texts count last. */
function findPaths(objection: Objection, facts: AnswerFacts): string[] {
  const paths = findShown(objection, facts);
  const words = listWords(objection.expected);
  const named = paths.filter((path) => words.includes(lastKey(path)));
  // Where a field is missing, the shape shows it; what else is in the fragment may be another next time.
  if (named.length > 0 || lacksKey(objection)) return named;
  const firm = paths.filter((path) => !FREE_TEXT.test(path));
  return firm.length > 0 ? firm : paths;
}

function hasFragment(fragment: unknown, path: string, list: readonly Scalar[]): boolean {
  if (fragment === undefined || fragment === null) return false;
  if (Array.isArray(fragment) && !fragment.some((item) => typeof item === "object"))
    return fragment.length > 0 && JSON.stringify(fragment) === JSON.stringify(list);
  if (typeof fragment === "string") return fragment !== "" && list.includes(fragment);
  // A bare number is a count: elsewhere it would be a coincidence.
  if (typeof fragment === "number") return /(?:tokens|\.length|index|code)$/.test(path) && list.includes(fragment);
  if (FREE_TEXT.test(path) && list.some((value) => isJsonOf(value, fragment))) return true;
  return listLeaves(fragment).some(({ key, value }) => key === lastKey(path) && list.includes(value));
}

function lastKey(path: string): string {
  return path.split(".").at(-1)?.replaceAll("[]", "") ?? path;
}

interface Leaf {
  readonly key: string;
  readonly value: Scalar;
}

function listLeaves(value: unknown, key = ""): Leaf[] {
  if (Array.isArray(value)) return value.flatMap((item) => listLeaves(item, key));
  if (isJsonObject(value)) return Object.entries(value).flatMap(([name, item]) => listLeaves(item, name));
  return value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? [{ key, value }]
    : [];
}

/** The JSON in a failure's words, such as `status 200 and model "x"`; undefined where there is none that is whole. */
function parseFragment(text: string): unknown {
  const start = text.search(/[[{"]/);
  const whole = parseOrUndefined(text);
  if (whole !== undefined || start === -1) return whole;
  const end = Math.max(...["]", "}", '"'].map((mark) => text.lastIndexOf(mark)));
  return parseOrUndefined(text.slice(start, end + 1));
}

/** Whether a text is the JSON of this value, as structured output and arguments are. */
function isJsonOf(text: Scalar, value: unknown): boolean {
  return typeof text === "string" && JSON.stringify(parseOrUndefined(text)) === JSON.stringify(value);
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function lastNumber(text: string): number | undefined {
  const digits = [...text.matchAll(/(?<![\w.-])\d+(?![\w.])/g)].at(-1)?.[0];
  return digits === undefined ? undefined : Number(digits);
}

function listWords(text: string): readonly string[] {
  return text.match(/[a-z_]+/g) ?? [];
}
