/** Builds grammars from literal text and JSON. */

import { keepUsed } from "./compiled-schema.ts";
import { rule } from "./grammar-node.ts";
import type { Grammar, GrammarNode } from "./grammar-node.ts";
import { JSON_RULES } from "./json-text.ts";

export interface GrammarBuilder {
  /** Any object of JSON. */
  jsonObject(): GrammarNode;
  /** Includes another grammar; rules of the same name are identical. */
  include(grammar: Grammar): GrammarNode;
  /** The grammar that starts at this node. */
  build(root: GrammarNode): Grammar;
}

export function createGrammarBuilder(): GrammarBuilder {
  const rules = new Map(JSON_RULES);
  return {
    jsonObject: () => rule("object"),
    include(grammar) {
      for (const [name, node] of grammar.rules) rules.set(name, node);
      return grammar.root;
    },
    build: (root) => ({ root, rules: keepUsed(root, rules) }),
  };
}
