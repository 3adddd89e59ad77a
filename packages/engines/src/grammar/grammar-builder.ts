/** Grammars that are put together from literal text and from JSON that fits a schema. */

import { compileSchema } from "./compile-schema.ts";
import { countRepetitions, findLeftRecursion, listRules, measureShortest } from "./grammar-length.ts";
import { rule } from "./grammar-node.ts";
import type { Grammar, GrammarNode } from "./grammar-node.ts";
import { JSON_RULES } from "./json-text.ts";
import { UnsupportedSchemaError } from "./unsupported-schema-error.ts";

/** Of all schemas of a grammar together. */
const RULES_MAX = 5000;
/** The same for what is counted: llama.cpp writes each place out. */
const REPETITIONS_SUM_MAX = 100_000;

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
  let repetitions = 0;
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
      const used = keepUsed(node, rules);
      repetitions += [node, ...used.values()].reduce((sum, body) => sum + countRepetitions(body), 0);
      if (repetitions > REPETITIONS_SUM_MAX) {
        const reason = `its lengths and numbers of items add up to more than ${REPETITIONS_SUM_MAX}`;
        throw new UnsupportedSchemaError("", reason);
      }
      const shortestOf = measureShortest(used);
      if (!Number.isFinite(shortestOf(node))) {
        throw new UnsupportedSchemaError("", "nothing fits it: it asks for itself without an end");
      }
      if (findLeftRecursion(used, shortestOf) !== null) {
        throw new UnsupportedSchemaError("", "a part of it is nothing but a reference to itself");
      }
      return node;
    },
    build: (root) => ({ root, rules: keepUsed(root, rules) }),
  };
}

function keepUsed(root: GrammarNode, rules: ReadonlyMap<string, GrammarNode>): ReadonlyMap<string, GrammarNode> {
  const used = new Map<string, GrammarNode>();
  const waiting = [...listRules(root)];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const body = rules.get(name);
    if (body === undefined || used.has(name)) continue;
    used.set(name, body);
    waiting.push(...listRules(body));
  }
  return new Map([...used].toSorted(([left], [right]) => (left < right ? -1 : 1)));
}
