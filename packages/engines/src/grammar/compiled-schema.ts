/** Compiles a JSON Schema to a grammar of its own, with its cost and the keywords that it does not enforce. */

import { createHash } from "node:crypto";
import { COMPILE_LEVELS } from "./compilation.ts";
import type { CompileLevel } from "./compilation.ts";
import { compileNode } from "./compile-schema.ts";
import { measureCost } from "./grammar-cost.ts";
import { findLeftRecursion, listRules, measureShortest } from "./grammar-length.ts";
import { rule } from "./grammar-node.ts";
import type { Grammar, GrammarNode } from "./grammar-node.ts";
import { measureWays } from "./grammar-ways.ts";
import { JSON_RULES } from "./json-text.ts";
import type { SchemaObject } from "./schema-view.ts";
import { SchemaTooLargeError, UnsupportedSchemaError } from "./unsupported-schema-error.ts";
import { createBudget, createTurn } from "./work-budget.ts";
import type { Spend } from "./work-budget.ts";

/** Rules of a schema. */
const RULES_MAX = 10_000;
/** Characters of the shortest text of a schema: it is built and tokenised whenever an answer may have to end. */
const SHORTEST_MAX = 8192;
/** Ways in which a text can be parsed at once: each costs a pass over the whole vocabulary for every token. */
const WAYS_MAX = 256;
/** Calls of llama.cpp's search for rules that begin with themselves. */
const SEARCH_MAX = 200_000;
/** Elements of the grammar of a schema, as llama.cpp counts them. */
export const SIZE_MAX = 60_000;

/** A keyword that is not enforced. */
export interface Relaxation {
  /** A JSON pointer to the schema that has the keyword; empty for the root. */
  readonly pointer: string;
  /** `*` for all keywords of the schema. */
  readonly keyword: string;
}

export interface CompiledSchema extends Grammar {
  /** Elements, as llama.cpp counts them. */
  readonly size: number;
  readonly relaxed: readonly Relaxation[];
}

export interface CompileOptions {
  readonly isStrict: boolean;
  /** Default: all. */
  readonly level?: CompileLevel;
}

/** Relaxations reported for one schema. */
const RELAXATIONS_MAX = 100;

/**
 * Compiles a schema in parts of less than 20 ms each, for any schema; the event loop may run at each `yield`.
 *
 * @throws TurnNeededError when the compilation has to restart after a turn of the event loop
 * @throws UnsupportedSchemaError where it is strict and can't be enforced, or that nothing conforms to;
 *   SchemaTooLargeError, also for one that is not strict: the next level may do
 */
export function* compileInParts(
  schema: SchemaObject,
  { isStrict, level = "all" }: CompileOptions,
): Generator<void, CompiledSchema> {
  const rules = new Map<string, GrammarNode>();
  const relaxed = new Map<string, Relaxation>();
  const prefix = nameRules(schema, isStrict, level);
  const reserve = () => {
    if (rules.size >= RULES_MAX) throw new SchemaTooLargeError("", `it needs more than ${RULES_MAX} rules`);
    const name = `${prefix}-${rules.size}`;
    rules.set(name, NOTHING_YET);
    return name;
  };
  const spend = createBudget();
  const root = compileNode(schema, {
    isStrict,
    level,
    spend,
    reserve,
    strings: new Map(),
    beginAutomaton: createTurn(),
    set: (name, node) => void rules.set(name, node),
    define(node) {
      if (node.kind === "rule" || node.kind === "literal") return node;
      const name = reserve();
      rules.set(name, node);
      return rule(name);
    },
    relax(pointer, keyword, reason) {
      if (isStrict) throw new UnsupportedSchemaError(pointer, reason);
      if (relaxed.size < RELAXATIONS_MAX) relaxed.set(`${pointer} ${keyword}`, { pointer, keyword });
    },
  });
  yield;
  const used = keepUsed(root, new Map([...JSON_RULES, ...rules]));
  yield;
  const size = yield* checkCost({ root, rules: used }, spend);
  return { root, rules: used, size, relaxed: [...relaxed.values()] };
}

/** All parts at once. @throws as `compileInParts` */
export function compileSchema(schema: SchemaObject, options: CompileOptions): CompiledSchema {
  const parts = compileInParts(schema, options);
  let part = parts.next();
  while (part.done !== true) part = parts.next();
  return part.value;
}

/** Replaced before it is read. */
const NOTHING_YET: GrammarNode = { kind: "choice", options: [] };

/**
 * Names that are the same for the same schema, so that its grammar is always the same text, and different from those of
 * other schemas.
 */
function nameRules(schema: SchemaObject, isStrict: boolean, level: CompileLevel): string {
  const text = JSON.stringify([schema, isStrict, level]);
  return `s${createHash("sha256").update(text).digest("hex").slice(0, 12)}`;
}

/** @returns the size. */
function* checkCost(grammar: Grammar, spend: Spend): Generator<void, number> {
  const { root, rules } = grammar;
  const shortestOf = measureShortest(rules, spend);
  const shortest = shortestOf(root);
  if (!Number.isFinite(shortest)) {
    throw new UnsupportedSchemaError("", "nothing conforms to it: it asks for itself without an end");
  }
  if (shortest > SHORTEST_MAX) {
    throw new SchemaTooLargeError("", `the shortest JSON that conforms to it has more than ${SHORTEST_MAX} characters`);
  }
  yield;
  if (findLeftRecursion(rules, shortestOf) !== null) {
    throw new UnsupportedSchemaError("", "a part of it is nothing but a reference to itself");
  }
  yield;
  const { size, ways, stacks } = measureCost(root, rules, shortestOf);
  if (size > SIZE_MAX) throw new SchemaTooLargeError("", `its grammar has more than ${SIZE_MAX} elements`);
  if (ways > SEARCH_MAX)
    throw new SchemaTooLargeError("", `its grammar takes more than ${SEARCH_MAX} steps to be read`);
  yield;
  if (stacks > WAYS_MAX || measureWays(grammar, WAYS_MAX) > WAYS_MAX) {
    const reason = `a text may conform to it in more than ${WAYS_MAX} ways at once: its alternatives are too much alike`;
    throw new SchemaTooLargeError("", reason);
  }
  return size;
}

/** The rules that are reachable from a node. */
export function keepUsed(root: GrammarNode, rules: ReadonlyMap<string, GrammarNode>): ReadonlyMap<string, GrammarNode> {
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

/** The levels to try, in order. */
export function listLevels(isStrict: boolean): readonly CompileLevel[] {
  return isStrict ? ["all"] : COMPILE_LEVELS;
}
