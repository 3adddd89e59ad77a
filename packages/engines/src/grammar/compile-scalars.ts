/** Compiles scalars and enumerated values to a grammar. Each function throws `UnsupportedSchemaError`. */

import { isRecord } from "@openai-compat/core";
import { acceptsNothing, acceptsText, intersect } from "./automaton/automaton.ts";
import type { Automaton } from "./automaton/automaton.ts";
import { compileAutomaton } from "./automaton/automaton-text.ts";
import { NondeterministicAutomaton } from "./automaton/nondeterministic.ts";
import type { Compilation } from "./compilation.ts";
import { readStrings } from "./compile-string.ts";
import { rule } from "./grammar-node.ts";
import type { GrammarNode } from "./grammar-node.ts";
import { PLAIN_NUMBER, INTEGER } from "./json-text.ts";
import { multiplesOf } from "./multiples.ts";
import { integerWithin, numberWithin } from "./number-range.ts";
import type { NumberBounds } from "./number-range.ts";
import { readNumber } from "./schema-view.ts";
import type { SchemaView } from "./schema-view.ts";
import { oneOfTexts } from "./text-choice.ts";
import { SchemaTooLargeError, UnsupportedSchemaError } from "./unsupported-schema-error.ts";

/** Of `enum`. */
const VALUES_MAX = 1000;

/** One of the values, each with a single JSON text. */
export function compileValues(view: SchemaView, values: readonly unknown[], compilation: Compilation): GrammarNode {
  if (values.length > VALUES_MAX) throw new SchemaTooLargeError(view.path, `it has more than ${VALUES_MAX} values`);
  const { type } = view.schema;
  const types: readonly unknown[] | null =
    type === undefined || type === null ? null : Array.isArray(type) ? type : [type];
  const isNullable = view.schema["nullable"] === true;
  const fitting = values.filter(
    (value) => types === null || (value === null && isNullable) || types.some((name) => isOfType(value, name)),
  );
  if (fitting.length === 0) throw new UnsupportedSchemaError(view.path, "no value of its list is of its type");
  const limits = [...listLimits(view, compilation)];
  const kept = fitting.filter((value) => limits.every((conforms) => conforms(value)));
  if (kept.length === 0) throw new UnsupportedSchemaError(view.path, "no value of its list conforms to the rest of it");
  for (const keyword of LIMITS_OF_PARTS) {
    if (view.schema[keyword] === undefined || kept.every((value) => typeof value !== "object" || value === null))
      continue;
    compilation.relax(view.path, keyword, `'${keyword}' can't be enforced beside 'enum'`);
  }
  const texts = [...new Set(kept.map((value) => JSON.stringify(value)))];
  compilation.spend(texts.reduce((sum, text) => sum + text.length, 0));
  return oneOfTexts(texts, (node) => compilation.define(node));
}

/** Keywords that may accompany `enum` and limit parts of its values. */
const LIMITS_OF_PARTS = [
  "properties",
  "required",
  "additionalProperties",
  "items",
  "minItems",
  "maxItems",
  "uniqueItems",
];

/** Keywords that may accompany `enum` and limit its values as a whole: each function tests one value. */
function* listLimits(view: SchemaView, compilation: Compilation): Generator<(value: unknown) => boolean> {
  const [minLength, maxLength] = [readNumber(view, "minLength"), readNumber(view, "maxLength")];
  if (minLength !== null || maxLength !== null) {
    yield (value) => {
      const length = typeof value === "string" ? Array.from(value).length : (minLength ?? 0);
      return length >= (minLength ?? 0) && (maxLength === null || typeof value !== "string" || length <= maxLength);
    };
  }
  if (view.schema["pattern"] !== undefined || view.schema["format"] !== undefined) {
    const { minLength: _min, maxLength: _max, ...schema } = view.schema;
    const strings = readStrings({ ...view, schema }, compilation);
    yield (value) => typeof value !== "string" || acceptsText(strings, value);
  }
  const step = readNumber(view, "multipleOf");
  if (step !== null) yield (value) => typeof value !== "number" || isMultiple(value, step);
  const bounds = readBounds(view);
  if (bounds !== null) yield (value) => typeof value !== "number" || isWithin(value, bounds);
}

function isMultiple(value: number, step: number): boolean {
  const times = value / step;
  return Math.abs(times - Math.round(times)) < 1e-9;
}

/** @returns null without bounds; the largest double excludes nothing, unless it is exclusive. */
function readBounds(view: SchemaView): NumberBounds | null {
  const [lowest, highest] = [readNumber(view, "minimum"), readNumber(view, "maximum")];
  const minimum = lowest === -Number.MAX_VALUE ? null : lowest;
  const maximum = highest === Number.MAX_VALUE ? null : highest;
  const [above, below] = [readNumber(view, "exclusiveMinimum"), readNumber(view, "exclusiveMaximum")];
  if ([minimum, maximum, above, below].every((bound) => bound === null)) return null;
  return {
    minimum: Math.max(minimum ?? Number.NEGATIVE_INFINITY, above ?? Number.NEGATIVE_INFINITY),
    maximum: Math.min(maximum ?? Number.POSITIVE_INFINITY, below ?? Number.POSITIVE_INFINITY),
    excludesMinimum: above !== null && above >= (minimum ?? Number.NEGATIVE_INFINITY),
    excludesMaximum: below !== null && below <= (maximum ?? Number.POSITIVE_INFINITY),
  };
}

function isWithin(value: number, bounds: NumberBounds): boolean {
  const isAbove = bounds.excludesMinimum ? value > bounds.minimum : value >= bounds.minimum;
  return isAbove && (bounds.excludesMaximum ? value < bounds.maximum : value <= bounds.maximum);
}

export function compileNumber(view: SchemaView, type: "integer" | "number", compilation: Compilation): GrammarNode {
  if (compilation.level !== "all") return rule(type);
  const bounds = readBounds(view);
  const step = readNumber(view, "multipleOf");
  if (bounds === null && (step === null || (step === 1 && type === "integer"))) return rule(type);
  const node =
    bounds === null
      ? type === "integer"
        ? INTEGER
        : PLAIN_NUMBER
      : compileBounds(view, { type, bounds }, compilation);
  return step === null ? node : compileMultiples(view, { node, step }, compilation);
}

function compileBounds(
  view: SchemaView,
  { type, bounds }: { readonly type: "integer" | "number"; readonly bounds: NumberBounds },
  compilation: Compilation,
): GrammarNode {
  const digits = [bounds.minimum, bounds.maximum].reduce(
    (sum, bound) => sum + (Number.isFinite(bound) ? countDigits(bound) : 0),
    0,
  );
  // Each digit of a bound becomes an alternative of that many parts.
  compilation.spend(4 * digits ** 2);
  const node = type === "integer" ? integerWithin(bounds) : numberWithin(bounds);
  if (node !== null) return node;
  const reason = "no whole number is within its bounds, and others can't be enforced";
  if (type === "integer") throw new UnsupportedSchemaError(view.path, reason);
  for (const keyword of ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]) {
    if (view.schema[keyword] !== undefined) compilation.relax(view.path, keyword, reason);
  }
  return PLAIN_NUMBER;
}

/** In plain notation. */
function countDigits(number: number): number {
  return Math.max(String(number).length, Math.ceil(Math.log10(Math.abs(number) + 1)));
}

function compileMultiples(
  view: SchemaView,
  { node, step }: { readonly node: GrammarNode; readonly step: number },
  compilation: Compilation,
): GrammarNode {
  const { spend } = compilation;
  const multiples = step > 0 ? multiplesOf(step, spend) : null;
  if (multiples === null) {
    compilation.relax(view.path, "multipleOf", "'multipleOf' can't be enforced with so many digits");
    return node;
  }
  const numbers = intersect(determinise(node, compilation), multiples, spend);
  if (acceptsNothing(numbers))
    throw new UnsupportedSchemaError(view.path, "no multiple of its 'multipleOf' is within its bounds");
  return compileAutomaton(numbers, compilation, (ranges) => ({ kind: "characters", ranges }));
}

function determinise(node: GrammarNode, { spend }: Compilation): Automaton {
  const parts = new NondeterministicAutomaton(spend);
  const end = parts.addState();
  return parts.determinise(parts.addNode(node, end), end, true);
}

function isOfType(value: unknown, type: unknown): boolean {
  switch (type) {
    case "null":
      return value === null;
    case "array":
      return Array.isArray(value);
    case "object":
      return isRecord(value);
    case "integer":
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}
