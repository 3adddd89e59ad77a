/** Access to subschemas for the compilers of arrays and objects. */

import type { GrammarNode } from "./grammar-node.ts";
import type { SchemaView } from "./schema-view.ts";

export interface Subschemas {
  compile(view: SchemaView): GrammarNode;
  /** Follows references in schemas without other keywords. */
  resolve(view: SchemaView): SchemaView;
  /** Merges two schemas that both apply. */
  merge(left: SchemaView, right: SchemaView): SchemaView;
  /** Views the value of a keyword as a schema. */
  view(value: unknown, path: string): SchemaView;
}
