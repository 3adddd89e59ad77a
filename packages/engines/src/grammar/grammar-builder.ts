/** Grammars that are put together from literal text and from JSON that fits a schema. */

import { compileSchema } from "./compile-schema.ts";
import { findLeftRecursion, measureShortest } from "./grammar-length.ts";
import { rule } from "./grammar-node.ts";
import type { Grammar, GrammarNode } from "./grammar-node.ts";
import { JSON_RULES } from "./json-text.ts";
import { UnsupportedSchemaError } from "./unsupported-schema-error.ts";

/** Of all schemas of a grammar together. */
const RULES_MAX = 5000;

export interface GrammarBuilder {
  /** Any object of JSON. */
  jsonObject(): GrammarNode;
  /**
   * JSON that fits a schema.
   *
   * @throws UnsupportedSchemaError for a schema that can't be kept to, that nothing fits, or that is too large
   */
  jsonSchema(schema: Readonly<Record<string, unknown>>): GrammarNode;
  /** The grammar that begins at this node. */
  build(root: GrammarNode): Grammar;
}

export function createGrammarBuilder(): GrammarBuilder {
  const rules = new Map(JSON_RULES);
  let count = 0;
  const reserve = () => {
    count += 1;
    if (count > RULES_MAX) throw new UnsupportedSchemaError("", `it needs more than ${RULES_MAX} rules`);
    return `r${count}`;
  };
  const define = (node: GrammarNode): GrammarNode => {
    if (node.kind === "rule" || node.kind === "literal") return node;
    const name = reserve();
    rules.set(name, node);
    return rule(name);
  };
  return {
    jsonObject: () => rule("object"),
    jsonSchema(schema) {
      const node = compileSchema(schema, { define, reserve, set: (name, body) => void rules.set(name, body) });
      if (!Number.isFinite(measureShortest(rules)(node))) {
        throw new UnsupportedSchemaError("", "nothing fits it: it asks for itself without an end");
      }
      if (findLeftRecursion({ root: node, rules }) !== null) {
        throw new UnsupportedSchemaError("", "a part of it is nothing but a reference to itself");
      }
      return node;
    },
    build: (root) => ({ root, rules: keepUsed(root, rules) }),
  };
}

function keepUsed(root: GrammarNode, rules: ReadonlyMap<string, GrammarNode>): ReadonlyMap<string, GrammarNode> {
  const used = new Map<string, GrammarNode>();
  const waiting = [root];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    switch (node.kind) {
      case "literal":
      case "characters":
        break;
      case "sequence":
        waiting.push(...node.items);
        break;
      case "choice":
        waiting.push(...node.options);
        break;
      case "repeat":
        waiting.push(node.item);
        break;
      case "rule": {
        const body = rules.get(node.name);
        if (body === undefined || used.has(node.name)) break;
        used.set(node.name, body);
        waiting.push(body);
      }
    }
  }
  return new Map([...used].toSorted(([left], [right]) => (left < right ? -1 : 1)));
}
