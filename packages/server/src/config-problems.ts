/** What is wrong with a configuration, in words for the operator: which setting, which value, what would be right. */

import type { z } from "zod";
import { findClosestName } from "./closest-name.ts";
import { describeSchema, findSchema, listKnownKeys, readMarks, readPath } from "./config-schema.ts";

export interface ProblemSource {
  readonly schema: z.core.$ZodType;
  /** What was read. */
  readonly value: unknown;
  /** The environment variable that a setting's value came from; null when it came from another source. */
  readonly variableOf: (path: readonly PropertyKey[]) => string | null;
}

type Issue = z.core.$ZodIssue;

/** @returns a line each, none for what another one explains. No secret is in them. */
export function describeProblems(issues: readonly Issue[], source: ProblemSource): readonly string[] {
  return issues.flatMap((issue) => {
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => describeUnknown([...issue.path, key], source));
    }
    return isExplained(issue, issues) ? [] : [describeIssue(issue, source)];
  });
}

/** `"modell": …` lacks `"model"` too: that is one mistake. */
function isExplained({ path, code, ...issue }: Issue, issues: readonly Issue[]): boolean {
  const key = String(path.at(-1));
  if (code !== "invalid_type" || !issue.message.endsWith("received undefined")) return false;
  return issues.some(
    (other) =>
      other.code === "unrecognized_keys" &&
      other.path.join(".") === path.slice(0, -1).join(".") &&
      other.keys.some((unknown) => findClosestName(unknown, [key]) !== null),
  );
}

/** More than these are a list to look up. */
const NAMES_SHOWN_MAX = 12;

function describeUnknown(path: readonly PropertyKey[], { schema, value }: ProblemSource): string {
  const known = listKnownKeys(findSchema(schema, path.slice(0, -1), value));
  return `Unknown setting ${quotePath(path)}.${suggest(String(path.at(-1)), known)}`;
}

function suggest(given: string, known: readonly string[]): string {
  const closest = findClosestName(given, known);
  if (closest !== null) return ` Did you mean "${closest}"?`;
  return known.length === 0 || known.length > NAMES_SHOWN_MAX ? "" : ` Known here: ${known.join(", ")}.`;
}

function describeIssue(issue: Issue, source: ProblemSource): string {
  const { path } = issue;
  const variable = source.variableOf(path);
  const value = readPath(source.value, path);
  const found = findSchema(source.schema, path, source.value);
  if (value === undefined && issue.code === "invalid_type") {
    const description = found === null ? "" : describeSchema(found);
    return `${quotePath(path)} is missing${description === "" ? "." : `: ${description}`}`;
  }
  const shown = found !== null && readMarks(found).isSecret === true ? "" : `, not ${printValue(value)}`;
  const subject = variable ?? quotePath(path);
  return `${subject} ${describeRule(issue, { path, value, shown })}`;
}

interface Place {
  readonly path: readonly PropertyKey[];
  readonly value: unknown;
  /** `, not "abc"`; empty for a secret. */
  readonly shown: string;
}

function describeRule(issue: Issue, place: Place): string {
  const { shown, value } = place;
  switch (issue.code) {
    case "invalid_type":
      return describePrice(place) ?? `has to be ${TYPES[issue.expected] ?? issue.expected}${shown}.`;
    case "too_big":
      return `has to be at most ${issue.maximum}${UNITS[issue.origin] ?? ""}${shown}.`;
    case "too_small":
      return `has to be at least ${issue.minimum}${UNITS[issue.origin] ?? ""}${shown}.`;
    case "invalid_value":
      return `has to be one of ${issue.values.map(String).join(", ")}${shown}.${suggestOf(value, issue.values)}`;
    case "invalid_union": {
      const options = "options" in issue && Array.isArray(issue.options) ? issue.options : [];
      return `has to be one of ${options.map(String).join(", ")}${shown}.${suggestOf(value, options)}`;
    }
    case "invalid_format":
      return `has to be ${issue.format === "url" ? "a URL that begins with http:// or https://" : issue.format}${shown}.`;
    case "not_multiple_of":
      return `has to be a multiple of ${issue.divisor}${shown}.`;
    case "custom":
    case "invalid_element":
    case "invalid_key":
    case "unrecognized_keys":
      return `can't be used: ${issue.message}.`;
    default:
      return issue satisfies never;
  }
}

function suggestOf(value: unknown, options: readonly unknown[]): string {
  const closest = findClosestName(String(value), options.map(String));
  return closest === null ? "" : ` Did you mean "${closest}"?`;
}

const TYPES: Readonly<Record<string, string>> = {
  array: "a list",
  boolean: "true or false",
  int: "a whole number",
  number: "a whole number",
  object: "an object",
  string: "a text",
};

const UNITS: Readonly<Record<string, string>> = { string: " characters long", array: " entries long" };

const MICRO_CREDITS = 1_000_000;

/** Writing `credits` is the usual mistake. @returns null for what is no price */
function describePrice({ path, value }: Place): string | null {
  const credits = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  if (!/^per(?:Million|Minute)/.test(String(path.at(-1))) || typeof credits !== "number") return null;
  if (!Number.isFinite(credits)) return null;
  const whole = Math.round(credits * MICRO_CREDITS);
  return `has to be whole micro-credits (millionths of a credit): write ${whole} for ${credits} credits.`;
}

const VALUE_LENGTH_MAX = 60;

function printValue(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > VALUE_LENGTH_MAX ? `${text.slice(0, VALUE_LENGTH_MAX)}…` : text;
}

function quotePath(path: readonly PropertyKey[]): string {
  return path.length === 0 ? "The whole" : `"${path.join(".")}"`;
}
