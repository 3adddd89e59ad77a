/**
 * Converts an automaton to grammar nodes: from each state a character leads to one state only, so a matcher follows one
 * path.
 */

import { NOTHING, choice, repeat, rule, sequence } from "../grammar-node.ts";
import type { GrammarNode } from "../grammar-node.ts";
import { normaliseRanges } from "../grammar-node.ts";
import type { Automaton } from "./automaton.ts";
import type { Spend } from "../work-budget.ts";
import type { CharacterSet } from "./character-classes.ts";

export interface TextRules {
  readonly spend: Spend;
  /** Reserves a name for a node that is defined later. */
  reserve(): string;
  set(name: string, node: GrammarNode): void;
}

interface Edge {
  /**
   * One object for each distinct set of an automaton: Unicode sets have hundreds of ranges, too many to compare at each
   * state.
   */
  readonly ranges: CharacterSet;
  readonly to: number;
}

/** @param compileSet the node of one character of a set. The automaton accepts something. */
export function compileAutomaton(
  automaton: Automaton,
  rules: TextRules,
  compileSet: (ranges: CharacterSet) => GrammarNode,
): GrammarNode {
  rules.spend(automaton.next.length);
  return new AutomatonCompiler(automaton, rules, compileSet).compile();
}

class AutomatonCompiler {
  readonly #automaton: Automaton;
  readonly #rules: TextRules;
  readonly #compileSet: (ranges: CharacterSet) => GrammarNode;
  readonly #edges: readonly (readonly Edge[])[];
  readonly #incoming: Int32Array;
  readonly #characters = new Map<CharacterSet, GrammarNode>();
  readonly #names = new Map<number, string>();
  readonly #waiting: number[] = [];

  constructor(automaton: Automaton, rules: TextRules, compileSet: (ranges: CharacterSet) => GrammarNode) {
    this.#automaton = automaton;
    this.#rules = rules;
    this.#compileSet = compileSet;
    const join = createJoin(automaton, rules.spend);
    this.#edges = Array.from(automaton.accepts, (_, state) => listEdges(automaton, state, join));
    this.#incoming = new Int32Array(this.#edges.length);
    this.#incoming[0] = 1;
    for (const { to } of this.#edges.flat()) this.#incoming[to] = (this.#incoming[to] ?? 0) + 1;
  }

  compile(): GrammarNode {
    const root = this.#isShared(0) ? this.#refer(0) : this.#write(0);
    for (let state = this.#waiting.pop(); state !== undefined; state = this.#waiting.pop()) {
      this.#rules.set(this.#names.get(state) ?? "", this.#write(state));
    }
    return root;
  }

  /** The text from a state on: single transitions are followed up to the next branch. */
  #write(start: number): GrammarNode {
    const items: GrammarNode[] = [];
    for (let state = start; ;) {
      const [edge] = this.#edges[state] ?? [];
      if (edge === undefined) return sequence(...items);
      if (state !== start && this.#isShared(state)) return sequence(...items, this.#refer(state));
      if (edge.to === state || !this.#isLine(state, false)) return sequence(...items, this.#writeChoice(state));
      let count = 0;
      do {
        count += 1;
        state = this.#edges[state]?.[0]?.to ?? state;
      } while (this.#isLine(state, false) && !this.#isShared(state) && this.#goesOn(state, edge));
      items.push(count === 1 ? this.#character(edge.ranges) : repeat(this.#character(edge.ranges), count, count));
    }
  }

  #writeChoice(state: number): GrammarNode {
    const options = this.#edges[state] ?? [];
    const [edge] = options;
    if (edge !== undefined && this.#isLine(state, true)) {
      if (edge.to === state) return repeat(this.#character(edge.ranges), 0, null);
      const count = this.#countLine(state, edge);
      if (count !== null) return repeat(this.#character(edge.ranges), 0, count);
    }
    const nodes = options.map(({ ranges, to }) => {
      const isLast = this.#edges[to]?.length === 0;
      return sequence(this.#character(ranges), isLast ? NOTHING : this.#refer(to));
    });
    return choice(...(this.#accepts(state) ? [...nodes, NOTHING] : nodes));
  }

  /** How many characters of one set may still follow, where no others may and each of them may be the last. */
  #countLine(start: number, edge: Edge): number | null {
    let count = 0;
    let state = start;
    while (this.#isLine(state, true) && (state === start || !this.#isShared(state)) && this.#goesOn(state, edge)) {
      const next = this.#edges[state]?.[0]?.to ?? state;
      if (next === state) return null;
      count += 1;
      state = next;
    }
    return this.#edges[state]?.length === 0 && !this.#isShared(state) ? count : null;
  }

  #accepts(state: number): boolean {
    return this.#automaton.accepts[state] === 1;
  }

  /** Whether all its transitions lead to one state. */
  #isLine(state: number, isAccepting: boolean): boolean {
    return this.#edges[state]?.length === 1 && this.#accepts(state) === isAccepting;
  }

  #isShared(state: number): boolean {
    return (this.#incoming[state] ?? 0) > 1;
  }

  /** By the same characters, and not from itself. */
  #goesOn(state: number, { ranges }: Edge): boolean {
    const [edge] = this.#edges[state] ?? [];
    return edge !== undefined && edge.to !== state && edge.ranges === ranges;
  }

  #refer(state: number): GrammarNode {
    let name = this.#names.get(state);
    if (name === undefined) {
      this.#rules.spend(RULE_STEPS);
      name = this.#rules.reserve();
      this.#names.set(state, name);
      this.#waiting.push(state);
    }
    return rule(name);
  }

  #character(ranges: CharacterSet): GrammarNode {
    this.#rules.spend(ranges.length);
    let node = this.#characters.get(ranges);
    if (node === undefined) this.#characters.set(ranges, (node = this.#compileSet(ranges)));
    return node;
  }
}

/** Cost of a rule relative to a state. */
const RULE_STEPS = 30;

/** Joins the characters of some classes, once for each combination. */
function createJoin({ classes }: Automaton, spend: Spend): (indexes: readonly number[]) => CharacterSet {
  const known = new Map<string, CharacterSet>();
  return (indexes) => {
    const key = indexes.join();
    let ranges = known.get(key);
    if (ranges === undefined) {
      const all = indexes.flatMap((index) => classes[index] ?? []);
      spend(all.length);
      known.set(key, (ranges = normaliseRanges(all)));
    }
    return ranges;
  };
}

/** One edge for each target state. */
function listEdges(
  { classes, next }: Automaton,
  state: number,
  join: (indexes: readonly number[]) => CharacterSet,
): readonly Edge[] {
  const byTarget = new Map<number, number[]>();
  for (const index of classes.keys()) {
    const to = next[state * classes.length + index] ?? -1;
    if (to === -1) continue;
    const known = byTarget.get(to);
    if (known === undefined) byTarget.set(to, [index]);
    else known.push(index);
  }
  return [...byTarget].map(([to, indexes]) => ({ to, ranges: join(indexes) }));
}
