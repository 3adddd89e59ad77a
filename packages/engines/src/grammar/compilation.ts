/** State that the parts of the schema compiler share. */

import type { TextRules } from "./automaton/automaton-text.ts";
import type { GrammarNode } from "./grammar-node.ts";
import type { Spend } from "./work-budget.ts";

export interface Compilation extends TextRules {
  readonly isStrict: boolean;
  /** Strings that were compiled before, by what was asked of them. */
  readonly strings: Map<string, GrammarNode>;
  /** Gives a node a name. */
  define(node: GrammarNode): GrammarNode;
  /** How much of the schema to enforce: see `COMPILE_LEVELS`. */
  readonly level: CompileLevel;
  /**
   * Called before an automaton is built that is not cached, with its own bound of steps.
   *
   * @throws TurnNeededError when the work of this turn of the event loop is used up
   */
  readonly beginAutomaton: (stepsMax: number) => Spend;
  /**
   * Called with each keyword that is not enforced, its position and the reason; the result is then wider than the
   * schema.
   *
   * @throws UnsupportedSchemaError where the schema is strict
   */
  relax(path: string, keyword: string, reason: string): void;
}

/**
 * From the whole schema to its type alone. A strict schema is compiled on the first level or not at all; another one on
 * the first level that is within the bounds.
 *
 * - `all`: everything that can be enforced
 * - `plain`: no patterns, formats, lengths, and bounds of numbers
 * - `shallow`: the same, and nothing of alternatives and of what is nested deeper than `SHALLOW_DEPTH`
 * - `type`: the type alone
 */
export const COMPILE_LEVELS = ["all", "plain", "shallow", "type"] as const;
export type CompileLevel = (typeof COMPILE_LEVELS)[number];

export const SHALLOW_DEPTH = 4;
