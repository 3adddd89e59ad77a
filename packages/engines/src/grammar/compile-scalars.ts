/** Values without parts, and values that are known, as a grammar. Each throws `UnsupportedSchemaError`. */

import { rule } from "./grammar-node.ts";
import type { GrammarNode } from "./grammar-node.ts";
import { integerWithin, numberWithin } from "./number-range.ts";
import { pickConstraints } from "./schema-keywords.ts";
import { isObject, readNumber } from "./schema-view.ts";
import type { SchemaView } from "./schema-view.ts";
import { oneOfTexts } from "./text-choice.ts";
import { SchemaTooLargeError, UnsupportedSchemaError } from "./unsupported-schema-error.ts";
import type { Spend } from "./work-budget.ts";

/** Of `enum`. */
const VALUES_MAX = 1000;

export interface ValueRules {
  define(node: GrammarNode): GrammarNode;
  readonly spend: Spend;
}

/** One of the values, each in the one way that it is written. */
export function compileValues(view: SchemaView, values: readonly unknown[], rules: ValueRules): GrammarNode {
  if (values.length > VALUES_MAX) throw new SchemaTooLargeError(view.path, `it has more than ${VALUES_MAX} values`);
  const { type } = view.schema;
  const types: readonly unknown[] | null =
    type === undefined || type === null ? null : Array.isArray(type) ? type : [type];
  const isNullable = view.schema["nullable"] === true;
  const fitting = values.filter(
    (value) => types === null || (value === null && isNullable) || types.some((name) => isOfType(value, name)),
  );
  if (fitting.length === 0) throw new UnsupportedSchemaError(view.path, "no value of its list is of its type");
  const other = Object.keys(pickConstraints(view, ["type", "nullable", "enum", "const", "default"]))[0];
  if (other !== undefined) throw new UnsupportedSchemaError(view.path, `'${other}' can't be enforced beside 'enum'`);
  const texts = [...new Set(fitting.map((value) => JSON.stringify(value)))];
  rules.spend(texts.reduce((sum, text) => sum + text.length, 0));
  return oneOfTexts(texts, (node) => rules.define(node));
}

export function compileNumber(view: SchemaView, type: "integer" | "number", spend: Spend): GrammarNode {
  const [minimum, maximum] = [readNumber(view, "minimum"), readNumber(view, "maximum")];
  const [above, below] = [readNumber(view, "exclusiveMinimum"), readNumber(view, "exclusiveMaximum")];
  if ([minimum, maximum, above, below].every((bound) => bound === null)) return rule(type);
  const digits = [minimum, maximum, above, below].reduce((sum: number, bound) => sum + String(bound ?? "").length, 0);
  // Each digit of a bound is an alternative with as many parts.
  spend(4 * digits ** 2);
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
