/**
 * A parsed JSON body against its schema: the typed value, or the first thing that is wrong with it in OpenAI's words.
 * It knows schemas and issues, and no endpoint.
 */

import { AiError } from "@openai-compat/core";
import type { AiErrorCode } from "@openai-compat/core";
import { encodePath } from "@openai-compat/spec";
import type { z } from "zod";

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/** One issue is reported, and a body may have a hundred thousand. */
const FIRST_ISSUE_ONLY: z.core.ParseContext<Issue> & Pick<z.core.ParseContextInternal, "abortEarly"> = {
  abortEarly: true,
};

/**
 * @throws AiError `missing_required_parameter`, `invalid_type` or `invalid_value`, with `param` naming the place.
 */
export function decodeBody<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const result = schema.safeParse(body, FIRST_ISSUE_ONLY);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  if (issue === undefined) throw new AiError("invalid_request", "The request body is not valid.");
  throw mapIssue(issue, body);
}

const KEY_LENGTH_SHOWN = 100;

/** `messages[0].content[1].type`, as OpenAI writes `param`. A key may be the caller's own, so it is cut. */
function encodeParam(path: Path): string {
  return encodePath(path.map((key) => (typeof key === "string" ? key.slice(0, KEY_LENGTH_SHOWN) : key)));
}

function mapIssue(issue: Issue, body: unknown, prefix: Path = []): AiError {
  const path = [...prefix, ...issue.path];
  const found = readPath(body, path);
  const refuse = (code: AiErrorCode, message: string) =>
    new AiError(code, message, { param: path.length === 0 ? null : encodeParam(path) });
  const param = encodeParam(path);

  // Of a schema that is closed; those of OpenAI's are open.
  if (issue.code === "unrecognized_keys") return refuseKey([...path, issue.keys[0] ?? ""]);
  if (path.length === 0)
    return refuse("invalid_type", `The request body has to be a JSON object, not ${nameKind(found)}.`);
  if (found === undefined) return refuse("missing_required_parameter", `Missing required parameter: '${param}'.`);
  switch (issue.code) {
    case "invalid_union":
      return issue.errors.length > 0
        ? mapUnion(issue.errors, body, path)
        : refuseValue(path, found, listOptions(issue));
    case "invalid_type":
      return refuseType(path, found, [issue.expected]);
    case "invalid_value":
      return refuseValue(path, found, issue.values);
    case "too_small":
      return refuse("invalid_value", `Invalid '${param}': ${describeBound(issue.origin, "at least", issue.minimum)}.`);
    case "too_big":
      return refuse("invalid_value", `Invalid '${param}': ${describeBound(issue.origin, "at most", issue.maximum)}.`);
    case "invalid_key":
      return refuseKeyOf(path.slice(0, -1), issue.issues);
    case "custom":
    case "invalid_element":
    case "invalid_format":
    case "not_multiple_of":
      return refuse("invalid_value", `Invalid '${param}': ${issue.message}.`);
  }
}

/** The branch that came closest speaks: the one that failed deepest, else the one whose type was right. */
function mapUnion(branches: readonly (readonly Issue[])[], body: unknown, path: Path): AiError {
  const firsts = branches.flatMap((branch) => branch.slice(0, 1));
  const depth = Math.max(...firsts.map((issue) => issue.path.length));
  const deepest = firsts.filter((issue) => issue.path.length === depth);
  const expected = deepest.flatMap((issue) => (issue.code === "invalid_type" && depth === 0 ? [issue.expected] : []));
  const rightType = deepest.find((issue) => issue.code !== "invalid_type") ?? deepest[0];
  if (expected.length === firsts.length || rightType === undefined)
    return refuseType(path, readPath(body, path), expected);
  return mapIssue(rightType, body, path);
}

function refuseKey(path: Path): AiError {
  const param = encodeParam(path);
  return new AiError("unsupported_parameter", `Unknown parameter: '${param}'.`, { param });
}

/** A key of a record: it is the caller's own, so that the record is named. */
function refuseKeyOf(path: Path, [issue]: readonly Issue[]): AiError {
  const param = encodeParam(path);
  const rule = issue?.code === "too_big" ? describeBound(issue.origin, "at most", issue.maximum) : issue?.message;
  return new AiError("invalid_value", `Invalid key in '${param}': ${rule ?? "it is not allowed"}.`, { param });
}

function refuseType(path: Path, found: unknown, expected: readonly string[]): AiError {
  const param = encodeParam(path);
  if (found === undefined) {
    return new AiError("missing_required_parameter", `Missing required parameter: '${param}'.`, { param });
  }
  const names = [...new Set(expected.map(nameExpected))].join(" or ");
  const message = `Invalid type for '${param}': expected ${names}, but got ${nameKind(found)} instead.`;
  return new AiError("invalid_type", message, { param });
}

/** A value of the wrong type is distinguished from a wrong value of the right type. */
function refuseValue(path: Path, found: unknown, options: readonly unknown[]): AiError {
  const param = encodeParam(path);
  // A discriminator that may be left out.
  const supported: readonly unknown[] = options.filter((option) => option !== undefined);
  const isRightType = supported.length === 0 || supported.some((value) => typeof value === typeof found);
  if (!isRightType)
    return refuseType(
      path,
      found,
      supported.slice(0, 1).map((value) => typeof value),
    );
  const list = supported.map((value) => `'${String(value)}'`).join(", ");
  const message = `Invalid value for '${param}': ${describeValue(found)}.${list === "" ? "" : ` Supported values are: ${list}.`}`;
  return new AiError("invalid_value", message, { param });
}

function listOptions(issue: Issue): readonly unknown[] {
  return "options" in issue && Array.isArray(issue.options) ? issue.options : [];
}

function describeBound(origin: string, relation: string, bound: number | bigint): string {
  switch (origin) {
    case "array":
      return `expected an array with ${relation} ${bound} item${Number(bound) === 1 ? "" : "s"}`;
    case "string":
      return `expected a string with ${relation} ${bound} character${Number(bound) === 1 ? "" : "s"}`;
    default:
      return `expected a value of ${relation} ${bound}`;
  }
}

const VALUE_LENGTH_SHOWN = 60;

function describeValue(value: unknown): string {
  if (typeof value === "string") return `'${value.slice(0, VALUE_LENGTH_SHOWN)}'`;
  return typeof value === "object" && value !== null ? nameKind(value) : String(value);
}

const EXPECTED_NAMES: Readonly<Record<string, string>> = {
  array: "an array",
  boolean: "a boolean",
  int: "an integer",
  number: "a number",
  object: "an object",
  record: "an object",
  string: "a string",
};

function nameExpected(expected: string): string {
  return EXPECTED_NAMES[expected] ?? expected;
}

function nameKind(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "number" && !Number.isFinite(value)) return "one beyond what a number can hold";
  if (typeof value === "number") return Number.isInteger(value) ? "an integer" : "a decimal";
  return nameExpected(typeof value);
}

function readPath(body: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined,
    body,
  );
}
