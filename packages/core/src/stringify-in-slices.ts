/** `JSON.stringify` for values of any size, in slices: a large one takes its time in one go. */

import type { WorkSlices } from "./work-slices.ts";

/** What is printed in one go: characters of texts and keys, and one for each value. */
const PIECE_SIZE = 64 * 1024;

/** @param value what JSON can hold; members that are undefined are left out. @throws what `slices` throws */
export async function stringifyInSlices(value: unknown, slices: WorkSlices): Promise<string> {
  return isSmall(value) ? JSON.stringify(value) : printLarge(value, slices);
}

async function printLarge(value: unknown, slices: WorkSlices): Promise<string> {
  if (slices.isOver) await slices.next();
  if (typeof value === "string") return printText(value, slices);
  if (Array.isArray(value)) {
    const items: string[] = [];
    for (const item of value) {
      if (slices.isOver) await slices.next();
      items.push(isSmall(item) ? (JSON.stringify(item) ?? "null") : await printLarge(item, slices));
    }
    return `[${items.join(",")}]`;
  }
  const members: string[] = [];
  for (const [key, member] of Object.entries(Object(value))) {
    if (member === undefined) continue;
    if (slices.isOver) await slices.next();
    const name = isSmall(key) ? JSON.stringify(key) : await printText(key, slices);
    members.push(`${name}:${isSmall(member) ? JSON.stringify(member) : await printLarge(member, slices)}`);
  }
  return `{${members.join(",")}}`;
}

/** Halves of a character that stand apart are escaped, so a piece must not end between two that belong together. */
async function printText(text: string, slices: WorkSlices): Promise<string> {
  const pieces: string[] = [];
  for (let from = 0; from < text.length;) {
    if (slices.isOver) await slices.next();
    const end = from + PIECE_SIZE;
    const isPair = /^[\ud800-\udbff][\udc00-\udfff]/.test(text.slice(end - 1, end + 1));
    const piece = text.slice(from, isPair ? end - 1 : end);
    pieces.push(JSON.stringify(piece).slice(1, -1));
    from += piece.length;
  }
  return `"${pieces.join("")}"`;
}

/** Looks no further than it has to. */
function isSmall(value: unknown): boolean {
  let left = PIECE_SIZE;
  const open: unknown[] = [value];
  while (open.length > 0) {
    const next = open.pop();
    left -= typeof next === "string" ? 1 + next.length : 1;
    if (left < 0) return false;
    if (typeof next !== "object" || next === null) continue;
    const isList = Array.isArray(next);
    const members: readonly unknown[] = isList ? next : Object.values(next);
    if (members.length > left) return false;
    open.push(...members);
    if (!isList) for (const key of Object.keys(next)) left -= key.length;
  }
  return true;
}
