/** Sets of strings as deterministic automata over code points, and operations on two of them. */

import { intersectRanges, invertRanges } from "../grammar-node.ts";
import { SchemaTooLargeError } from "../unsupported-schema-error.ts";
import type { Spend } from "../work-budget.ts";
import type { CharacterSet } from "./character-classes.ts";

/** State 0 is the start. From each state an accepting one can be reached, unless the set is empty. */
export interface Automaton {
  /** Disjoint; a transition applies to all characters of one class. */
  readonly classes: readonly CharacterSet[];
  /** At `state * classes.length + class`: the next state; -1 where there is none. */
  readonly next: Int32Array;
  readonly accepts: Uint8Array;
}

/** Each state may become a rule of a grammar. */
const STATES_MAX = 4000;

/** Collects the states of an automaton as they are discovered. */
export class AutomatonStates<Key extends string | number> {
  readonly #ids = new Map<Key, number>();
  readonly #width: number;
  readonly #spend: Spend;
  readonly next: number[] = [];
  readonly accepts: number[] = [];

  constructor(width: number, spend: Spend) {
    this.#width = width;
    this.#spend = spend;
  }

  get count(): number {
    return this.accepts.length;
  }

  /** @param onNew called with the id of a state that was not known. */
  find(key: Key, onNew: (id: number) => boolean): number {
    let id = this.#ids.get(key);
    if (id !== undefined) return id;
    id = this.accepts.length;
    if (id >= STATES_MAX) throw new SchemaTooLargeError("", `an automaton of it needs more than ${STATES_MAX} states`);
    this.#spend(this.#width + 5);
    this.#ids.set(key, id);
    for (let index = 0; index < this.#width; index += 1) this.next.push(-1);
    this.accepts.push(0);
    if (onNew(id)) this.accepts[id] = 1;
    return id;
  }

  connect(from: number, index: number, to: number): void {
    this.next[from * this.#width + index] = to;
  }

  finish(classes: readonly CharacterSet[]): Automaton {
    return trim({ classes, next: Int32Array.from(this.next), accepts: Uint8Array.from(this.accepts) }, this.#spend);
  }
}

/** Whole characters only: surrogates are not distinguished. */
const ANY_CHARACTER: CharacterSet = invertRanges([]);

/** All strings. */
export const ANY_STRING: Automaton = {
  classes: [ANY_CHARACTER],
  next: Int32Array.of(0),
  accepts: Uint8Array.of(1),
};

export function acceptsNothing({ accepts }: Automaton): boolean {
  return !accepts.includes(1);
}

export function acceptsText({ classes, next, accepts }: Automaton, text: string): boolean {
  let state = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    const index = classes.findIndex((ranges) => ranges.some(([first, last]) => first <= code && code <= last));
    state = index === -1 ? -1 : (next[state * classes.length + index] ?? -1);
    if (state === -1) return false;
  }
  return accepts[state] === 1;
}

/** The strings that both accept. */
export function intersect(left: Automaton, right: Automaton, spend: Spend): Automaton {
  if (left === ANY_STRING) return right;
  return right === ANY_STRING ? left : combine(left, right, { spend, isDifference: false });
}

/** The strings that `left` accepts and `right` does not. */
export function subtract(left: Automaton, right: Automaton, spend: Spend): Automaton {
  return combine(left, right, { spend, isDifference: true });
}

interface PairedClass {
  readonly ranges: CharacterSet;
  readonly left: number;
  /** -1 for characters outside `right`'s classes. */
  readonly right: number;
}

function pairClasses(left: Automaton, right: Automaton, spend: Spend): PairedClass[] {
  const others = invertRanges(right.classes.flat());
  const all = [...right.classes, others];
  return left.classes.flatMap((ranges, index) =>
    all.flatMap((other, at): PairedClass[] => {
      spend(10 + ranges.length + other.length);
      const shared = intersectRanges(ranges, other);
      return shared.length === 0 ? [] : [{ ranges: shared, left: index, right: at === right.classes.length ? -1 : at }];
    }),
  );
}

function combine(
  left: Automaton,
  right: Automaton,
  { spend, isDifference }: { readonly spend: Spend; readonly isDifference: boolean },
): Automaton {
  const pairs = pairClasses(left, right, spend).filter((pair) => isDifference || pair.right !== -1);
  const [leftWidth, rightWidth] = [left.classes.length, right.classes.length];
  const states = new AutomatonStates<number>(pairs.length, spend);
  const waiting: [id: number, mine: number, theirs: number][] = [];
  const rightCount = right.accepts.length + 1;
  const find = (mine: number, theirs: number) =>
    states.find(mine * rightCount + theirs + 1, (id) => {
      waiting.push([id, mine, theirs]);
      const isTheirs = theirs !== -1 && right.accepts[theirs] === 1;
      return left.accepts[mine] === 1 && isTheirs !== isDifference;
    });
  find(0, 0);
  for (let entry = waiting.pop(); entry !== undefined; entry = waiting.pop()) {
    const [id, mine, theirs] = entry;
    for (const [index, pair] of pairs.entries()) {
      const nextMine = left.next[mine * leftWidth + pair.left] ?? -1;
      const nextTheirs = theirs === -1 || pair.right === -1 ? -1 : (right.next[theirs * rightWidth + pair.right] ?? -1);
      if (nextMine === -1 || (nextTheirs === -1 && !isDifference)) continue;
      states.connect(id, index, find(nextMine, nextTheirs));
    }
  }
  return states.finish(pairs.map(({ ranges }) => ranges));
}

/** Limits the number of characters. @param max null for no limit. */
export function limitLength(
  automaton: Automaton,
  { min, max }: { readonly min: number; readonly max: number | null },
  spend: Spend,
): Automaton {
  if (min === 0 && max === null) return automaton;
  const range = measureLengths(automaton, spend);
  if (min <= range.min && (max === null || (range.max !== null && range.max <= max))) return automaton;
  const width = automaton.classes.length;
  const countMax = max ?? min;
  const states = new AutomatonStates<number>(width, spend);
  const waiting: [id: number, state: number, length: number][] = [];
  const find = (state: number, length: number) =>
    states.find(state * (countMax + 1) + length, (id) => {
      waiting.push([id, state, length]);
      return automaton.accepts[state] === 1 && length >= min;
    });
  find(0, 0);
  for (let entry = waiting.pop(); entry !== undefined; entry = waiting.pop()) {
    const [id, state, length] = entry;
    if (length === max) continue;
    for (let index = 0; index < width; index += 1) {
      const next = automaton.next[state * width + index] ?? -1;
      if (next !== -1) states.connect(id, index, find(next, Math.min(length + 1, countMax)));
    }
  }
  return states.finish(automaton.classes);
}

/**
 * The range of the strings' lengths in characters; `max` is null where there is no limit, `min` is infinite for the
 * empty set.
 */
function measureLengths(automaton: Automaton, spend: Spend): { readonly min: number; readonly max: number | null } {
  const order = sortStates(automaton, spend);
  const width = automaton.classes.length;
  let min = Number.POSITIVE_INFINITY;
  let reached = new Set([0]);
  const seen = new Set(reached);
  for (let length = 0; reached.size > 0 && min === Number.POSITIVE_INFINITY; length += 1) {
    const next = new Set<number>();
    for (const state of reached) {
      if (automaton.accepts[state] === 1) min = length;
      for (const to of automaton.next.subarray(state * width, state * width + width)) {
        if (to === -1 || seen.has(to)) continue;
        seen.add(to);
        next.add(to);
      }
    }
    reached = next;
  }
  if (order === null) return { min, max: null };
  const longest = new Int32Array(automaton.accepts.length);
  for (const state of order) {
    for (const to of automaton.next.subarray(state * width, state * width + width)) {
      if (to !== -1) longest[to] = Math.max(longest[to] ?? 0, (longest[state] ?? 0) + 1);
    }
  }
  return { min, max: longest.reduce((most, length) => Math.max(most, length), 0) };
}

/** Topological order of the states; null where there is a cycle. */
function sortStates({ classes, next, accepts }: Automaton, spend: Spend): readonly number[] | null {
  spend(next.length);
  const width = classes.length;
  const incoming = new Int32Array(accepts.length);
  for (const to of next) if (to !== -1) incoming[to] = (incoming[to] ?? 0) + 1;
  const order: number[] = [];
  const waiting = incoming[0] === 0 ? [0] : [];
  for (let state = waiting.pop(); state !== undefined; state = waiting.pop()) {
    order.push(state);
    for (const to of next.subarray(state * width, state * width + width)) {
      if (to === -1) continue;
      incoming[to] = (incoming[to] ?? 0) - 1;
      if (incoming[to] === 0) waiting.push(to);
    }
  }
  return order.length === accepts.length ? order : null;
}

/** Removes the states from which nothing is accepted. */
function trim(automaton: Automaton, spend: Spend): Automaton {
  const { classes, next, accepts } = automaton;
  spend(next.length);
  const width = classes.length;
  const sources: number[][] = Array.from(accepts, () => []);
  for (const [at, to] of next.entries()) if (to !== -1) sources[to]?.push(Math.floor(at / width));
  const alive = new Set<number>();
  const waiting = [...accepts.entries()].flatMap(([state, isAccepting]) => (isAccepting === 1 ? [state] : []));
  for (let state = waiting.pop(); state !== undefined; state = waiting.pop()) {
    if (alive.has(state)) continue;
    alive.add(state);
    waiting.push(...(sources[state] ?? []));
  }
  if (alive.size === accepts.length) return automaton;
  if (!alive.has(0)) return { classes: [], next: new Int32Array(), accepts: Uint8Array.of(0) };
  const ids = new Map([...alive].toSorted((left, right) => left - right).map((state, id) => [state, id]));
  const kept = [...ids.keys()];
  return {
    classes,
    next: Int32Array.from(
      kept.flatMap((state) =>
        Array.from(next.subarray(state * width, state * width + width), (to) => ids.get(to) ?? -1),
      ),
    ),
    accepts: Uint8Array.from(kept, (state) => accepts[state] ?? 0),
  };
}
