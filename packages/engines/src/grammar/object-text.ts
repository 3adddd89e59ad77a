/** Objects of JSON, their members in the declared order. */

import { NOTHING, choice, literal, optional, repeat, rule, sequence } from "./grammar-node.ts";
import type { GrammarNode } from "./grammar-node.ts";
import { COLON, COMMA } from "./json-text.ts";
import { characterWithin, quoted } from "./string-text.ts";
import { invertRanges } from "./grammar-node.ts";
import type { CharacterRange } from "./grammar-node.ts";

export interface Member {
  readonly name: string;
  readonly value: GrammarNode;
  readonly isRequired: boolean;
}

/**
 * @param extra the values of further members, which come last; null where there are none.
 * @param define gives a node a name, so that what is used often is written once.
 */
export function objectOf(
  members: readonly Member[],
  extra: GrammarNode | null,
  define: (node: GrammarNode) => GrammarNode,
): GrammarNode {
  let first: GrammarNode = NOTHING;
  let later: GrammarNode = NOTHING;
  if (extra !== null) {
    const member = define(sequence(otherName(members, define), COLON, extra));
    later = repeat(sequence(COMMA, member), 0, null);
    first = optional(sequence(member, later));
  }
  for (const { name, value, isRequired } of members.toReversed()) {
    const member = define(sequence(literal(JSON.stringify(name)), COLON, value));
    const rest = later;
    const asFirst = sequence(member, rest);
    first = define(isRequired ? asFirst : choice(asFirst, first));
    later = define(sequence(isRequired ? sequence(COMMA, member) : optional(sequence(COMMA, member)), rest));
  }
  return sequence(literal("{"), first, literal("}"));
}

/** Names that begin with so many characters of a member's are left out. */
const SHARED_CHARACTERS_MAX = 64;

/** A name that is none of the members'. It has no escapes, so that it can't be one of them in another spelling. */
function otherName(members: readonly Member[], define: (node: GrammarNode) => GrammarNode): GrammarNode {
  if (members.length === 0) return rule("string");
  const any = define(repeat(characterWithin(PLAIN), 0, null));
  const build = (names: readonly string[], shared: number): GrammarNode => {
    const initials = new Set(names.filter((name) => name !== "").map((name) => String.fromCodePoint(codePoint(name))));
    const others = [...initials].map((initial): CharacterRange => [codePoint(initial), codePoint(initial)]);
    const options = [sequence(characterWithin(invertRanges([...others, ...NOT_PLAIN])), any)];
    if (!names.includes("")) options.push(NOTHING);
    for (const initial of initials) {
      const rests = names.filter((name) => name.startsWith(initial)).map((name) => name.slice(initial.length));
      if (isPlain(initial) && shared < SHARED_CHARACTERS_MAX) {
        options.push(sequence(literal(initial), build(rests, shared + 1)));
      }
    }
    return define(choice(...options));
  };
  return quoted(
    build(
      members.map(({ name }) => name),
      0,
    ),
  );
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
