/** Arrays of unique items from a few known values: one rule for each set of unused values. */

import type { Compilation } from "./compilation.ts";
import { NOTHING, choice, literal, rule, sequence } from "./grammar-node.ts";
import type { GrammarNode } from "./grammar-node.ts";
import { COMMA } from "./json-text.ts";
import { readList, readNumber } from "./schema-view.ts";
import type { SchemaView } from "./schema-view.ts";
import type { Subschemas } from "./subschemas.ts";
import { oneOfTexts } from "./text-choice.ts";
import { UnsupportedSchemaError } from "./unsupported-schema-error.ts";

/** Values at most: there are 2^n sets. */
const VALUES_MAX = 8;

/** @returns null where the values are not known, or too many. @throws UnsupportedSchemaError */
export function uniqueItemsOf(
  item: SchemaView,
  { min, max }: { readonly min: number; readonly max: number | null },
  { compilation, subschemas }: { readonly compilation: Compilation; readonly subschemas: Subschemas },
): GrammarNode | null {
  const texts = listValues(subschemas.resolve(item));
  if (texts === null || texts.length > VALUES_MAX) return null;
  if (texts.length < min) throw new UnsupportedSchemaError(item.path, "it has fewer values than the array has items");
  const most = Math.min(max ?? texts.length, texts.length);
  const names = new Map<string, string>();
  const after = (left: readonly string[]): GrammarNode => {
    const key = left.join(" ");
    let name = names.get(key);
    if (name === undefined) {
      name = compilation.reserve();
      names.set(key, name);
      const count = texts.length - left.length;
      const more = count < most ? sequence(count === 0 ? NOTHING : COMMA, next(left)) : null;
      const options = [...(more === null ? [] : [more]), ...(count >= min ? [NOTHING] : [])];
      compilation.set(name, choice(...options));
    }
    return rule(name);
  };
  const next = (left: readonly string[]) =>
    oneOfTexts(left, undefined, (text) => after(left.filter((other) => other !== text)));
  return sequence(literal("["), after(texts), literal("]"));
}

/** Each distinct value as text; null where not all are known. */
function listValues(view: SchemaView): readonly string[] | null {
  const { schema } = view;
  const keywords = Object.keys(schema).filter((keyword) => LIMITS.has(keyword));
  const says = (...names: readonly string[]) => keywords.every((keyword) => names.includes(keyword));
  const values = "const" in schema ? [schema["const"]] : readList(view, "enum");
  if (values !== null && says("enum", "const", "type"))
    return [...new Set(values.map((value) => JSON.stringify(value)))];
  if (schema["type"] === "boolean" && says("type")) return ["true", "false"];
  const [minimum, maximum] = [readNumber(view, "minimum"), readNumber(view, "maximum")];
  if (schema["type"] !== "integer" || minimum === null || maximum === null || !says("type", "minimum", "maximum"))
    return null;
  const [first, last] = [Math.ceil(minimum), Math.floor(maximum)];
  return last - first >= VALUES_MAX
    ? null
    : Array.from({ length: last - first + 1 }, (_, index) => String(first + index));
}

const LIMITS = new Set(
  ["type", "enum", "const", "nullable", "anyOf", "oneOf", "allOf", "$ref", "minimum", "maximum"].concat([
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "format",
    "properties",
    "items",
  ]),
);
