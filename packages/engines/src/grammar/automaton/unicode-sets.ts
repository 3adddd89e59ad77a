/** The characters of a Unicode property, asked of the JavaScript engine once for each property. */

import type { CharacterRange } from "../grammar-node.ts";
import type { CharacterSet } from "./character-classes.ts";

/** Cached properties; the oldest one is evicted. */
const KEPT_MAX = 50;
const kept = new Map<string, CharacterSet>();
let assigned: string | null = null;

/**
 * @param source such as `\p{L}` or `\P{Script=Greek}`
 * @returns null for a property that this JavaScript engine doesn't know: newer ones know more of them
 */
export function listUnicodeSet(source: string): CharacterSet | null {
  const known = kept.get(source);
  if (known !== undefined) return known;
  const several = compileKnown(`${source}+`);
  if (several === null) return null;
  assigned ??= writeAssigned();
  const ranges: CharacterRange[] = [];
  for (const [run] of assigned.matchAll(several)) {
    const pair = run.codePointAt(run.length - 2) ?? 0;
    ranges.push([run.codePointAt(0) ?? 0, pair > 0xffff ? pair : (run.codePointAt(run.length - 1) ?? 0)]);
  }
  const one = new RegExp(`^${source}$`, "u");
  ranges.push(...EMPTY_RANGES.filter(([first]) => one.test(String.fromCodePoint(first))));
  const [oldest] = kept.keys();
  if (kept.size >= KEPT_MAX && oldest !== undefined) kept.delete(oldest);
  kept.set(source, ranges);
  return ranges;
}

function compileKnown(expression: string): RegExp | null {
  try {
    return new RegExp(expression, "gu");
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return null;
    throw thrown;
  }
}

/** Unassigned ranges of Unicode: all characters of a range have the same properties. */
const EMPTY_RANGES: readonly CharacterRange[] = [
  [0x34000, 0xdffff],
  [0xe1000, 0xeffff],
  [0xf0000, 0x10ffff],
];

/** All other characters once, in ascending order. */
function writeAssigned(): string {
  const parts: string[] = [];
  for (let start = 0; start < 0xe1000; start = start === 0x33c00 ? 0xe0000 : start + 0x400) {
    if (start >= 0xd800 && start < 0xe000) continue;
    parts.push(String.fromCodePoint(...Array.from({ length: 0x400 }, (_, index) => start + index)));
  }
  return parts.join("");
}
