/** A regular expression that matches any of many texts, at a cost that does not grow with their number. */

interface Node {
  isEnd: boolean;
  readonly next: Map<string, Node>;
}

/** Global; where several texts begin at the same index, the longest matches. An empty list matches nothing. */
export function matchAnyOf(texts: Iterable<string>): RegExp {
  const root: Node = { isEnd: false, next: new Map() };
  for (const text of texts) if (text !== "") insert(root, text);
  return root.next.size === 0 ? /(?!)/gu : new RegExp(print(root), "gu");
}

function insert(root: Node, text: string): void {
  let node = root;
  for (const character of text) {
    let next = node.next.get(character);
    if (next === undefined) node.next.set(character, (next = { isEnd: false, next: new Map() }));
    node = next;
  }
  node.isEnd = true;
}

/** Common prefixes are printed once, so each character is compared once. */
function print(node: Node): string {
  const branches = Array.from(node.next, ([character, next]) => escape(character) + print(next));
  if (branches.length === 0) return "";
  const choice = `(?:${branches.join("|")})`;
  return node.isEnd ? `${choice}?` : choice;
}

function escape(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16)}}`;
}
