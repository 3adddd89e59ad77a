/** Compiles a schema of arrays to a grammar. */

import { arrayOf } from "./array-text.ts";
import type { Compilation } from "./compilation.ts";
import type { GrammarNode } from "./grammar-node.ts";
import { join, readCount, readList } from "./schema-view.ts";
import type { SchemaView } from "./schema-view.ts";
import type { Subschemas } from "./subschemas.ts";
import { uniqueItemsOf } from "./unique-items.ts";
import { SchemaTooLargeError, UnsupportedSchemaError } from "./unsupported-schema-error.ts";

/** Items of an array with a shape of their own. */
const FIRST_ITEMS_MAX = 200;

/** @throws UnsupportedSchemaError */
export function compileArray(view: SchemaView, compilation: Compilation, subschemas: Subschemas): GrammarNode {
  const { schema, path } = view;
  const isTuple = Array.isArray(schema["items"]);
  const keyword = isTuple ? "items" : "prefixItems";
  const rest = isTuple ? schema["additionalItems"] : schema["items"];
  const heads = readList(view, keyword) ?? [];
  if (heads.length > FIRST_ITEMS_MAX) {
    throw new SchemaTooLargeError(path, `'${keyword}' has more than ${FIRST_ITEMS_MAX} items`);
  }
  const isCounted = compilation.level === "all" || rest === false;
  const min = isCounted ? (readCount(view, "minItems") ?? 0) : 0;
  const limit = isCounted ? readCount(view, "maxItems") : null;
  const max = rest === false ? Math.min(limit ?? heads.length, heads.length) : limit;
  if (max !== null && max < min) throw new UnsupportedSchemaError(path, "no array has as few and as many items");
  const others = rest === false ? null : subschemas.view(rest ?? true, join(path, "items"));
  if (schema["uniqueItems"] === true && compilation.level === "all" && (max === null || max > 1)) {
    const unique =
      heads.length > 0 || others === null ? null : uniqueItemsOf(others, { min, max }, { compilation, subschemas });
    if (unique !== null) return unique;
    compilation.relax(path, "uniqueItems", "'uniqueItems' can't be enforced but for a few values that are listed");
  }
  return arrayOf({
    first: heads.map((head, index) => subschemas.compile(subschemas.view(head, join(path, keyword, index)))),
    others: others === null ? null : compilation.define(subschemas.compile(others)),
    min,
    max,
  });
}
