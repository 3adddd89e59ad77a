/** One of several texts as a prefix tree: each character leads to one branch. */

import { NOTHING, characters, choice, literal, sequence } from "./grammar-node.ts";
import type { GrammarNode } from "./grammar-node.ts";

/**
 * @param texts at least one; each once.
 * @param define names a node, so that the tree stays shallow. Default: nodes are inlined. @param after follows each
 *   text. Default: nothing.
 */
export function oneOfTexts(
  texts: readonly string[],
  define: (node: GrammarNode) => GrammarNode = (node) => node,
  after: (text: string) => GrammarNode = () => NOTHING,
): GrammarNode {
  return build(
    texts.map((text) => ({ text, rest: Array.from(text), after: after(text) })),
    define,
  );
}

interface Branch {
  readonly text: string;
  readonly rest: readonly string[];
  readonly after: GrammarNode;
}

function build(branches: readonly Branch[], define: (node: GrammarNode) => GrammarNode): GrammarNode {
  const [first] = branches;
  if (first === undefined) return NOTHING;
  if (branches.length === 1) return sequence(writeText(first.rest), first.after);
  const shared = countShared(branches);
  const groups = new Map<string, Branch[]>();
  const options: GrammarNode[] = [];
  for (const { text, rest, after } of branches) {
    const [character, ...others] = rest.slice(shared);
    if (character === undefined) {
      options.push(after);
      continue;
    }
    const branch = { text, rest: others, after };
    const known = groups.get(character);
    if (known === undefined) groups.set(character, [branch]);
    else known.push(branch);
  }
  const last = new Map<GrammarNode, string>();
  for (const [character, group] of groups) {
    const [only] = group;
    if (group.length === 1 && only?.rest.length === 0) last.set(only.after, (last.get(only.after) ?? "") + character);
    else options.push(sequence(literal(character), build(group, define)));
  }
  for (const [after, set] of last) options.push(sequence(characters(set), after));
  return sequence(writeText(first.rest.slice(0, shared)), define(choice(...options)));
}

function writeText(text: readonly string[]): GrammarNode {
  return text.length === 0 ? NOTHING : literal(text.join(""));
}

function countShared(branches: readonly Branch[]): number {
  const [first] = branches;
  const longest = first?.rest.length ?? 0;
  for (let count = 0; count < longest; count += 1) {
    if (branches.some(({ rest }) => rest[count] !== first?.rest[count])) return count;
  }
  return longest;
}
