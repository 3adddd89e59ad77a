/** Values without parts, and values that are known, as a grammar. Each throws `UnsupportedSchemaError`. */

import { REPETITIONS_MAX, choice, rule } from "./grammar-node.ts";
import type { GrammarNode } from "./grammar-node.ts";
import { printValue } from "./json-text.ts";
import { integerWithin, numberWithin } from "./number-range.ts";
import { PatternError, compilePattern } from "./pattern.ts";
import { pickConstraints } from "./schema-keywords.ts";
import { isObject, readCount, readNumber, readText } from "./schema-view.ts";
import type { SchemaView } from "./schema-view.ts";
import { FORMATS, quoted, stringOfLength } from "./string-text.ts";
import { UnsupportedSchemaError } from "./unsupported-schema-error.ts";

const VALUES_MAX = 1000;

/**
 * One of the values, each in the one way that it is written.
 *
 * @param among where it has to be one of these too.
 */
export function compileValues(
  view: SchemaView,
  values: readonly unknown[],
  among: readonly unknown[] | null = null,
): GrammarNode {
  const { type } = view.schema;
  const types: readonly unknown[] | null =
    type === undefined || type === null ? null : Array.isArray(type) ? type : [type];
  const isNullable = view.schema["nullable"] === true;
  const fitting = values.filter(
    (value) => types === null || (value === null && isNullable) || types.some((name) => isOfType(value, name)),
  );
  if (fitting.length === 0) throw new UnsupportedSchemaError(view.path, "no value is of its type");
  const texts = among === null ? null : new Set(among.map((value) => JSON.stringify(value)));
  if (texts !== null && !fitting.some((value) => texts.has(JSON.stringify(value)))) {
    throw new UnsupportedSchemaError(view.path, "its 'const' is not in its 'enum'");
  }
  if (fitting.length > VALUES_MAX) throw new UnsupportedSchemaError(view.path, `it has more than ${VALUES_MAX} values`);
  const other = Object.keys(pickConstraints(view, ["type", "nullable", "enum", "const", "default"]))[0];
  if (other !== undefined) throw new UnsupportedSchemaError(view.path, `'${other}' can't be enforced beside 'enum'`);
  return choice(...fitting.map(printValue));
}

export function compileString(view: SchemaView): GrammarNode {
  const pattern = readText(view, "pattern");
  const format = readText(view, "format");
  const min = readCount(view, "minLength") ?? 0;
  const max = readCount(view, "maxLength");
  if (max !== null && max < min) throw new UnsupportedSchemaError(view.path, "no string is as short and as long");
  if (pattern === null && format === null) {
    if (Math.max(min, max ?? 0) <= REPETITIONS_MAX) return stringOfLength(min, max);
    throw new UnsupportedSchemaError(view.path, `more than ${REPETITIONS_MAX} characters can't be counted`);
  }
  if (pattern !== null && format !== null) {
    throw new UnsupportedSchemaError(view.path, "'pattern' and 'format' can't be enforced together");
  }
  if (min > 0 || max !== null) {
    const keyword = pattern === null ? "format" : "pattern";
    throw new UnsupportedSchemaError(
      view.path,
      `a length can't be enforced beside '${keyword}'; say it in the pattern`,
    );
  }
  return pattern === null ? compileFormat(view, format ?? "") : compilePatternOf(view, pattern);
}

function compileFormat({ path }: SchemaView, format: string): GrammarNode {
  const node = FORMATS.get(format);
  if (node !== undefined) return quoted(node);
  const known = [...FORMATS.keys()].join(", ");
  throw new UnsupportedSchemaError(path, `the format '${format.slice(0, 60)}' can't be enforced; these can: ${known}`);
}

function compilePatternOf({ path }: SchemaView, pattern: string): GrammarNode {
  try {
    return quoted(compilePattern(pattern));
  } catch (thrown) {
    if (!(thrown instanceof PatternError)) throw thrown;
    throw new UnsupportedSchemaError(path, `'pattern' can't be enforced: ${thrown.message}`);
  }
}

export function compileNumber(view: SchemaView, type: "integer" | "number"): GrammarNode {
  const [minimum, maximum] = [readNumber(view, "minimum"), readNumber(view, "maximum")];
  const [above, below] = [readNumber(view, "exclusiveMinimum"), readNumber(view, "exclusiveMaximum")];
  if ([minimum, maximum, above, below].every((bound) => bound === null)) return rule(type);
  const bounds = {
    minimum: Math.max(minimum ?? Number.NEGATIVE_INFINITY, above ?? Number.NEGATIVE_INFINITY),
    maximum: Math.min(maximum ?? Number.POSITIVE_INFINITY, below ?? Number.POSITIVE_INFINITY),
    excludesMinimum: above !== null && above >= (minimum ?? Number.NEGATIVE_INFINITY),
    excludesMaximum: below !== null && below <= (maximum ?? Number.POSITIVE_INFINITY),
  };
  const node = type === "integer" ? integerWithin(bounds) : numberWithin(bounds);
  if (node !== null) return node;
  throw new UnsupportedSchemaError(view.path, "no whole number is within its bounds, and others can't be enforced");
}

function isOfType(value: unknown, type: unknown): boolean {
  switch (type) {
    case "null":
      return value === null;
    case "array":
      return Array.isArray(value);
    case "object":
      return isObject(value);
    case "integer":
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}
