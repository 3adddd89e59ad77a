/**
 * Makes of a schema a function that validates answers: as leniently as clients of many servers must be, and without
 * copying what it validates. A stream has thousands of events, and zod's own parser builds each of them anew.
 */

import type { z } from "zod";

/** Where a value is wrong, and how. */
export interface Failure {
  readonly segments: readonly PropertyKey[];
  readonly message: string;
}

/** @returns null where nothing is wrong. */
export type Compiled = (value: unknown) => Failure | null;

type Schema = z.core.$ZodType;

/** Of the kinds of zod that the compiler knows, what it reads of their definitions. */
type Definition = z.core.$ZodTypes["_zod"]["def"];

const cache = new WeakMap<Schema, Compiled>();

/**
 * - Unknown fields are kept.
 * - Where a text is one of several, any other is one too: servers have values of their own (`service_tier`,
 *   `finish_reason`), and OpenAI adds some.
 * - `null` in an optional field counts as absent.
 * - A required field that may be `null` may be absent, and is then set to `null`, so that it has its type. Inside of a
 *   union without a discriminator nothing is set.
 */
export function compileCheck(schema: Schema): Compiled {
  const known = cache.get(schema);
  if (known !== undefined) return known;
  const compiled = compile(schema, true);
  cache.set(schema, compiled);
  return compiled;
}

function fail(expected: string, value: unknown): Failure {
  return { segments: [], message: `expected ${expected}, received ${describe(value)}` };
}

function describe(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return typeof value === "string" ? JSON.stringify(value.slice(0, 80)) : typeof value;
}

function within(segment: PropertyKey, failure: Failure): Failure {
  return { ...failure, segments: [segment, ...failure.segments] };
}

function compile(schema: Schema, fills: boolean): Compiled {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- every schema is of one of zod's kinds
  const definition = schema._zod.def as Definition;
  const isPlain = definition.checks === undefined || definition.checks.length === 0;
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- every other kind is left to zod
  switch (definition.type) {
    case "string":
      return isPlain && !("format" in definition) ? compileString : compileLeaf(schema);
    case "boolean":
      return (value) => (typeof value === "boolean" ? null : fail("a boolean", value));
    case "unknown":
      return () => null;
    case "literal":
      return compileValues(definition.values);
    case "enum":
      return compileValues(Object.values(definition.entries));
    case "optional":
    case "nullable": {
      const inner = compile(definition.innerType, fills);
      // Of a field: what is absent is decided by its object.
      return (value) => (value === null || value === undefined ? null : inner(value));
    }
    case "array":
      return isPlain ? compileArray(compile(definition.element, fills)) : compileLeaf(schema);
    case "object":
      return compileObject(definition, fills);
    case "union":
      return "discriminator" in definition ? compileByType(definition, fills) : compileUnion(definition);
    default:
      return compileLeaf(schema);
  }
}

function compileString(value: unknown): Failure | null {
  return typeof value === "string" ? null : fail("a string", value);
}

/** What is left to zod: numbers in bounds, formats, records. */
function compileLeaf(schema: Schema): Compiled {
  return (value) => {
    const issue = parseStrictly(schema, value);
    return issue === undefined ? null : { segments: issue.path, message: issue.message };
  };
}

function parseStrictly(schema: Schema, value: unknown): z.core.$ZodIssue | undefined {
  const result = schema["~standard"].validate(value);
  if (result instanceof Promise) throw new TypeError("A shape of the wire can't be asynchronous.");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- zod's own issues under its standard interface
  return result.issues?.[0] as z.core.$ZodIssue | undefined;
}

function compileValues(values: readonly unknown[]): Compiled {
  if (values.length > 1 && values.every((value) => typeof value === "string")) return compileString;
  const allowed = new Set(values);
  const expected = values.map((value) => JSON.stringify(value)).join(" or ");
  return (value) => (allowed.has(value) ? null : fail(expected, value));
}

function compileArray(element: Compiled): Compiled {
  return (value) => {
    if (!Array.isArray(value)) return fail("an array", value);
    for (let index = 0; index < value.length; index += 1) {
      const failure = element(value[index]);
      if (failure !== null) return within(index, failure);
    }
    return null;
  };
}

/** What becomes of a field that is absent. */
type Absence = "allowed" | "filled" | "refused";

interface Field {
  readonly key: string;
  readonly check: Compiled;
  readonly absence: Absence;
  readonly allowsNull: boolean;
}

function compileObject({ shape }: Extract<Definition, { readonly type: "object" }>, fills: boolean): Compiled {
  const fields = Object.entries(shape).map(([key, schema]): Field => {
    const isOptional = schema._zod.optin === "optional";
    const isNullable = parseStrictly(schema, null) === undefined;
    const absence = isOptional ? "allowed" : isNullable ? (fills ? "filled" : "allowed") : "refused";
    return { key, check: compile(schema, fills), absence, allowsNull: isOptional || isNullable };
  });
  return (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return fail("an object", value);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an object; its fields are what is checked here
    const object = value as Record<string, unknown>;
    for (const { key, check, absence, allowsNull } of fields) {
      const property = object[key];
      if (property === undefined) {
        if (absence === "refused") return within(key, fail("a value", undefined));
        if (absence === "filled") object[key] = null;
      } else if (property !== null || !allowsNull) {
        const failure = check(property);
        if (failure !== null) return within(key, failure);
      }
    }
    return null;
  };
}

function compileByType(definition: Extract<Definition, { readonly type: "union" }>, fills: boolean): Compiled {
  const discriminator = "discriminator" in definition ? String(definition.discriminator) : "";
  const branches = new Map<unknown, Compiled>();
  for (const option of definition.options) {
    const check = compile(option, fills);
    for (const value of option._zod.propValues?.[discriminator] ?? []) branches.set(value, check);
  }
  return (value) => {
    const type: unknown = typeof value === "object" && value !== null ? Reflect.get(value, discriminator) : undefined;
    const branch = branches.get(type);
    if (branch !== undefined) return branch(value);
    return within(discriminator, fail([...branches.keys()].map((key) => JSON.stringify(key)).join(" or "), type));
  };
}

/** Reports the branch that matched deepest. */
function compileUnion({ options }: Extract<Definition, { readonly type: "union" }>): Compiled {
  const branches = options.map((option) => compile(option, false));
  return (value) => {
    let deepest: Failure | null = null;
    for (const branch of branches) {
      const failure = branch(value);
      if (failure === null) return null;
      if (deepest === null || failure.segments.length > deepest.segments.length) deepest = failure;
    }
    return deepest;
  };
}
