/** What the parts of the compiler of schemas share. */

import type { TextRules } from "./automaton/automaton-text.ts";
import type { GrammarNode } from "./grammar-node.ts";
import type { Spend } from "./work-budget.ts";

export interface Compilation extends TextRules {
  readonly isStrict: boolean;
  /** Strings that were compiled before, by what was asked of them. */
  readonly strings: Map<string, GrammarNode>;
  /** Gives a node a name. */
  define(node: GrammarNode): GrammarNode;
  /** How much of a schema is tried to be enforced: see `LEVELS`. */
  readonly level: CompileLevel;
  /**
   * Called before an automaton is made that is not kept, with its own bound of steps.
   *
   * @throws TurnNeededError when enough has been done in this turn of the event loop
   */
  readonly beginAutomaton: (stepsMax: number) => Spend;
  /**
   * Called with each keyword that is not enforced, where it stands and why; what is made then is wider than the schema.
   *
   * @throws UnsupportedSchemaError where the schema is strict
   */
  relax(path: string, keyword: string, reason: string): void;
}

/**
 * From the whole schema to what hardly says anything. A strict schema is compiled on the first level or not at all; of
 * another, so much is enforced as the bounds allow.
 *
 * - `all`: what can be enforced at all
 * - `plain`: no patterns, formats, lengths, and bounds of numbers
 * - `shallow`: the same, and nothing of alternatives and of what is nested deeper than `SHALLOW_DEPTH`
 * - `type`: the type alone
 */
export const COMPILE_LEVELS = ["all", "plain", "shallow", "type"] as const;
export type CompileLevel = (typeof COMPILE_LEVELS)[number];

export const SHALLOW_DEPTH = 4;
