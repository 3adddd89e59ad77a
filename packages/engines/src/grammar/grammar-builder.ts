/** Grammars that are put together from literal text and from JSON that conforms to a schema. */

import { compileSchema } from "./compile-schema.ts";
import { measureCost } from "./grammar-cost.ts";
import { findLeftRecursion, listRules, measureShortest } from "./grammar-length.ts";
import { rule } from "./grammar-node.ts";
import type { Grammar, GrammarNode } from "./grammar-node.ts";
import { measureWays } from "./grammar-ways.ts";
import { JSON_RULES } from "./json-text.ts";
import { SchemaTooLargeError, UnsupportedSchemaError } from "./unsupported-schema-error.ts";
import { createBudget } from "./work-budget.ts";
import type { Spend } from "./work-budget.ts";

/** Rules of all schemas of a grammar together. */
const RULES_MAX = 10_000;
/** Elements of all schemas of a grammar together, as llama.cpp counts them; it reads them twice, on the event loop. */
const SIZE_MAX = 60_000;
/** Characters of the shortest text of a schema: it is made a text, and tokens, whenever an answer may have to end. */
const SHORTEST_MAX = 8192;
/** Ways in which a text can be read at once: each costs a look at the whole vocabulary for a token. */
const WAYS_MAX = 256;
/** Calls of llama.cpp's search for rules that begin with themselves. */
const SEARCH_MAX = 200_000;

export interface GrammarBuilder {
  /** Any object of JSON. */
  jsonObject(): GrammarNode;
  /**
   * JSON that conforms to a schema.
   *
   * @throws UnsupportedSchemaError for a schema that can't be enforced, that nothing conforms to, or that is too large
   */
  jsonSchema(schema: Readonly<Record<string, unknown>>): GrammarNode;
  /** The grammar that begins at this node. */
  build(root: GrammarNode): Grammar;
}

export function createGrammarBuilder(): GrammarBuilder {
  const rules = new Map(JSON_RULES);
  const strings = new Map<string, GrammarNode>();
  let [count, size, search] = [0, 0, 0];
  const reserve = () => {
    count += 1;
    if (count > RULES_MAX) throw new SchemaTooLargeError("", `it needs more than ${RULES_MAX} rules`);
    return `r${count}`;
  };
  const define = (node: GrammarNode): GrammarNode => {
    if (node.kind === "rule" || node.kind === "literal") return node;
    const name = reserve();
    rules.set(name, node);
    return rule(name);
  };
  const checkCost = (node: GrammarNode, spend: Spend): void => {
    const used = keepUsed(node, rules);
    const shortestOf = measureShortest(used, spend);
    const shortest = shortestOf(node);
    if (!Number.isFinite(shortest)) {
      throw new UnsupportedSchemaError("", "nothing conforms to it: it asks for itself without an end");
    }
    if (shortest > SHORTEST_MAX) {
      throw new SchemaTooLargeError(
        "",
        `the shortest JSON that conforms to it has more than ${SHORTEST_MAX} characters`,
      );
    }
    if (findLeftRecursion(used, shortestOf) !== null) {
      throw new UnsupportedSchemaError("", "a part of it is nothing but a reference to itself");
    }
    const cost = measureCost(node, used, shortestOf);
    size += cost.size;
    search += cost.ways;
    if (size > SIZE_MAX || search > SEARCH_MAX) {
      const what = size > SIZE_MAX ? `${SIZE_MAX} elements` : `${SEARCH_MAX} steps to be read`;
      throw new SchemaTooLargeError(
        "",
        `the grammar of it, with the other schemas of the request, has more than ${what}`,
      );
    }
    if (cost.stacks > WAYS_MAX || measureWays({ root: node, rules: used }, WAYS_MAX) > WAYS_MAX) {
      const reason = `a text may conform to it in more than ${WAYS_MAX} ways at once: its alternatives are too much alike`;
      throw new SchemaTooLargeError("", reason);
    }
  };
  return {
    jsonObject: () => rule("object"),
    jsonSchema(schema) {
      const spend = createBudget();
      const set = (name: string, body: GrammarNode) => void rules.set(name, body);
      const node = compileSchema(schema, { define, reserve, set, spend, strings });
      checkCost(node, spend);
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
