/** JSON objects, members in the declared order. */

import { NOTHING, choice, literal, optional, repeat, rule, sequence } from "./grammar-node.ts";
import type { GrammarNode } from "./grammar-node.ts";
import { COLON, COMMA } from "./json-text.ts";
import { characterWithin } from "./string-text.ts";
import { oneOfTexts } from "./text-choice.ts";
import { invertRanges } from "./grammar-node.ts";
import type { CharacterRange } from "./grammar-node.ts";

export interface Member {
  readonly name: string;
  readonly value: GrammarNode;
  readonly isRequired: boolean;
}

/**
 * The most consecutive optional members in the declared order: each position offers all that follow. With more of them,
 * they come in any order after the others; a name may then be repeated, and the last one counts.
 */
const SKIPPED_MAX = 64;

/** Additional members. */
export interface Extra {
  /** Without quotes, and never one of the declared names. */
  readonly name: GrammarNode;
  readonly value: GrammarNode;
}

export interface ObjectOptions {
  /** Whether there is one member at least. */
  readonly isFilled: boolean;
  /** Members at most, where none are declared; null for no limit. */
  readonly max: number | null;
  /** Names a node, so that a node that is used often is printed once. */
  readonly define: (node: GrammarNode) => GrammarNode;
}

/** Extra members come last. */
export function objectOf(
  members: readonly Member[],
  extras: readonly Extra[],
  { isFilled, max, define }: ObjectOptions,
): GrammarNode {
  const isOrdered = countSkipped(members) <= SKIPPED_MAX;
  const ordered = isOrdered ? members : members.filter(({ isRequired }) => isRequired);
  const unordered = isOrdered ? [] : members.filter(({ isRequired }) => !isRequired);
  const options = extras.map(({ name, value }) => sequence(name, literal('"'), COLON, value));
  if (unordered.length > 0) options.unshift(anyOf(unordered, define));
  // The text after a name's opening quote, and after a value.
  let name: GrammarNode | null = null;
  let rest: GrammarNode = NOTHING;
  if (options.length > 0) {
    const other = define(choice(...options));
    rest = define(repeat(sequence(NEXT, other), 0, max === null ? null : max - 1));
    name = define(sequence(other, rest));
  }
  let canEnd = true;
  for (const member of ordered.toReversed()) {
    const said = sequence(compileMember(member), rest);
    name = define(member.isRequired || name === null ? said : choice(said, name));
    canEnd &&= !member.isRequired;
    rest = define(canEnd ? optional(sequence(NEXT, name)) : sequence(NEXT, name));
  }
  if (name === null) return literal("{}");
  const first = sequence(literal('"'), name);
  return sequence(literal("{"), canEnd && !isFilled ? optional(first) : first, literal("}"));
}

/** Before the name of another member. */
const NEXT: GrammarNode = sequence(COMMA, literal('"'));

function compileMember({ name, value }: Member): GrammarNode {
  return sequence(literal(printName(name)), COLON, value);
}

/** Behind the first quote. */
function printName(name: string): string {
  return JSON.stringify(name).slice(1);
}

function anyOf(members: readonly Member[], define: (node: GrammarNode) => GrammarNode): GrammarNode {
  const values = new Map(members.map(({ name, value }) => [printName(name), sequence(COLON, value)]));
  return oneOfTexts([...values.keys()], define, (text) => values.get(text) ?? NOTHING);
}

/** The longest run of optional members. */
function countSkipped(members: readonly Member[]): number {
  let [most, count] = [0, 0];
  for (const { isRequired } of members) {
    count = isRequired ? 0 : count + 1;
    most = Math.max(most, count);
  }
  return most;
}

/** Names that share this many leading characters with a member's are left out. */
const SHARED_CHARACTERS_MAX = 64;

/** A name other than these, without quotes and escapes, so that it can't be an escaped one of them. */
export function otherName(members: readonly string[], define: (node: GrammarNode) => GrammarNode): GrammarNode {
  if (members.length === 0) return repeat(rule("character"), 0, null);
  const any = define(repeat(characterWithin(PLAIN), 0, null));
  const build = (names: readonly string[], shared: number): GrammarNode => {
    const byInitial = new Map<string, string[]>();
    for (const name of names) {
      if (name === "") continue;
      const initial = String.fromCodePoint(codePoint(name));
      const rests = byInitial.get(initial);
      if (rests === undefined) byInitial.set(initial, [name.slice(initial.length)]);
      else rests.push(name.slice(initial.length));
    }
    const others = [...byInitial.keys()].map((initial): CharacterRange => [codePoint(initial), codePoint(initial)]);
    const options = [sequence(characterWithin(invertRanges([...others, ...NOT_PLAIN])), any)];
    if (!names.includes("")) options.push(NOTHING);
    for (const [initial, rests] of byInitial) {
      if (isPlain(initial) && shared < SHARED_CHARACTERS_MAX) {
        options.push(sequence(literal(initial), build(rests, shared + 1)));
      }
    }
    return define(choice(...options));
  };
  return build(members, 0);
}

const NOT_PLAIN: readonly CharacterRange[] = [
  [0, 0x1f],
  [0x22, 0x22],
  [0x5c, 0x5c],
];
const PLAIN = invertRanges(NOT_PLAIN);

function isPlain(character: string): boolean {
  const code = codePoint(character);
  return PLAIN.some(([first, last]) => first <= code && code <= last);
}

function codePoint(character: string): number {
  return character.codePointAt(0) ?? 0;
}
