/** How the compilers of arrays and objects get at the schemas within theirs. */

import type { GrammarNode } from "./grammar-node.ts";
import type { SchemaView } from "./schema-view.ts";

export interface Subschemas {
  compile(view: SchemaView): GrammarNode;
  /** Follows references in schemas without other keywords. */
  resolve(view: SchemaView): SchemaView;
  /** One schema of two, for what has to conform to both. */
  merge(left: SchemaView, right: SchemaView): SchemaView;
  /** The schema that a value of a keyword is. */
  view(value: unknown, path: string): SchemaView;
}
