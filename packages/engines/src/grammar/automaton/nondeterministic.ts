/** Nondeterministic automata under construction, and their conversion to deterministic ones. */

import type { Automaton } from "./automaton.ts";
import { AutomatonStates } from "./automaton.ts";
import { splitClasses } from "./character-classes.ts";
import type { GrammarNode } from "../grammar-node.ts";
import type { CharacterSet } from "./character-classes.ts";
import { SchemaTooLargeError } from "../unsupported-schema-error.ts";
import type { Spend } from "../work-budget.ts";

/** Where a step without a character may be taken. */
export type When = "always" | "at-start" | "at-end";

interface State {
  readonly edges: { readonly set: number; readonly to: number }[];
  readonly steps: { readonly when: When; readonly to: number }[];
}

/** Upper bound of expanded parts: nested repetitions multiply. */
const PARTS_MAX = 20_000;

export class NondeterministicAutomaton {
  readonly #states: State[] = [];
  readonly #sets: CharacterSet[] = [];
  readonly #setIds = new Map<CharacterSet, number>();
  readonly #spend: Spend;
  /** Whether a step that is only allowed at the start was reached elsewhere. */
  #hasMetStart = false;

  constructor(spend: Spend) {
    this.#spend = spend;
  }

  addState(): number {
    this.#spend(1);
    if (this.#states.length >= PARTS_MAX) {
      throw new SchemaTooLargeError(
        "",
        `a pattern of it has more than ${PARTS_MAX} parts when its repetitions are written out`,
      );
    }
    return this.#states.push({ edges: [], steps: [] }) - 1;
  }

  addEdge(from: number, ranges: CharacterSet, to: number): void {
    let set = this.#setIds.get(ranges);
    if (set === undefined) {
      set = this.#sets.push(ranges) - 1;
      this.#setIds.set(ranges, set);
    }
    this.#states[from]?.edges.push({ set, to });
  }

  addStep(from: number, to: number, when: When = "always"): void {
    this.#states[from]?.steps.push({ when, to });
  }

  /** Adds the strings of an automaton, followed by `to`. @returns the first state. */
  addAutomaton({ classes, next, accepts }: Automaton, to: number): number {
    const ids = Array.from(accepts, () => this.addState());
    for (const [state, id] of ids.entries()) {
      if (accepts[state] === 1) this.addStep(id, to);
      for (const [index, ranges] of classes.entries()) {
        const target = ids[next[state * classes.length + index] ?? -1];
        if (target !== undefined) this.addEdge(id, ranges, target);
      }
    }
    return ids[0] ?? to;
  }

  /** Adds the texts of a node without rule references, followed by `to`. @returns the first state. */
  addNode(node: GrammarNode, to: number): number {
    switch (node.kind) {
      case "literal":
        return Array.from(node.text).reduceRight((next, character) => {
          const code = character.codePointAt(0) ?? 0;
          return this.#addCharacter([[code, code]], next);
        }, to);
      case "characters":
        return this.#addCharacter(node.ranges, to);
      case "sequence":
        return node.items.reduceRight((next, item) => this.addNode(item, next), to);
      case "choice": {
        const state = this.addState();
        for (const option of node.options) this.addStep(state, this.addNode(option, to));
        return state;
      }
      case "repeat":
        return this.#addRepeat(node, to);
      case "rule":
        throw new Error(`A node with the rule '${node.name}' is no automaton.`);
    }
  }

  #addCharacter(ranges: CharacterSet, to: number): number {
    const state = this.addState();
    this.addEdge(state, ranges, to);
    return state;
  }

  #addRepeat({ item, min, max }: GrammarNode & { readonly kind: "repeat" }, to: number): number {
    let state = to;
    if (max === null) {
      state = this.addState();
      this.addStep(state, this.addNode(item, state));
      this.addStep(state, to);
    }
    for (let count = min; count < (max ?? min); count += 1) {
      const option = this.addState();
      this.addStep(option, this.addNode(item, state));
      this.addStep(option, to);
      state = option;
    }
    for (let count = 0; count < min; count += 1) state = this.addNode(item, state);
    return state;
  }

  /** The same from a state in the middle; null where the result depends on whether it is the start. */
  determiniseRest(start: number, end: number): Automaton | null {
    this.#hasMetStart = false;
    const automaton = this.determinise(start, end, false);
    return this.#hasMetStart ? null : automaton;
  }

  /** @param isAtStart whether `start` is at the start of the text. */
  determinise(start: number, end: number, isAtStart: boolean): Automaton {
    const { classes, members } = splitClasses(this.#sets, this.#spend);
    const states = new AutomatonStates<string>(classes.length, this.#spend);
    const waiting: [id: number, places: readonly number[]][] = [];
    const find = (places: readonly number[], isFirst: boolean) =>
      states.find(`${isFirst ? "^" : ""}${places.join()}`, (id) => {
        waiting.push([id, places]);
        return this.#close(places, isFirst ? ["at-start", "at-end"] : ["at-end"]).includes(end);
      });
    find(this.#close([start], isAtStart ? ["at-start"] : []), isAtStart);
    for (let entry = waiting.pop(); entry !== undefined; entry = waiting.pop()) {
      const [id, places] = entry;
      const targets = classes.map((): number[] => []);
      for (const from of places) {
        for (const { set, to } of this.#states[from]?.edges ?? []) {
          const indexes = members[set] ?? [];
          this.#spend(indexes.length);
          for (const index of indexes) targets[index]?.push(to);
        }
      }
      for (const [index, reached] of targets.entries()) {
        if (reached.length > 0) states.connect(id, index, find(this.#close(reached, []), false));
      }
    }
    return states.finish(classes);
  }

  /** All states that are reached without a character, in ascending order. */
  #close(places: readonly number[], also: readonly When[]): readonly number[] {
    const seen = new Set(places);
    for (const entry of seen) {
      const { steps } = this.#states[entry] ?? { steps: [] };
      this.#spend(2 * steps.length + 2);
      for (const { when, to } of steps) {
        if (when === "always" || also.includes(when)) seen.add(to);
        else if (when === "at-start") this.#hasMetStart = true;
      }
    }
    return [...seen].toSorted((left, right) => left - right);
  }
}
