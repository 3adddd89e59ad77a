/**
 * `JSON.stringify` for values of any size, in slices: a large one takes its time in one go, and so would the encoding
 * of its text and every copy of it.
 */

import type { WorkSlices } from "./work-slices.ts";

/** What is printed in one go: characters of texts and keys, and one for each value. */
const PIECE_SIZE = 64 * 1024;

/**
 * @param value what JSON can hold; members that are undefined are left out.
 * @returns the text of a small value, and that of a large one in UTF-8.
 * @throws what `slices` throws
 */
export async function stringifyInSlices(value: unknown, slices: WorkSlices): Promise<string | Uint8Array> {
  if (isSmall(value)) return JSON.stringify(value);
  const printer = new Printer(slices);
  await printer.printLarge(value);
  return printer.finish();
}

class Printer {
  readonly #slices: WorkSlices;
  readonly #pieces: Buffer[] = [];
  /** Not encoded yet. */
  #text = "";

  constructor(slices: WorkSlices) {
    this.#slices = slices;
  }

  /** What `isSmall` has found to be large. */
  async printLarge(value: unknown): Promise<void> {
    if (typeof value === "string") await this.#printText(value);
    else if (Array.isArray(value)) await this.#printList(value);
    else await this.#printMembers(Object(value));
  }

  async #print(value: unknown): Promise<void> {
    if (this.#slices.isOver) await this.#slices.next();
    if (isSmall(value)) this.#add(JSON.stringify(value) ?? "null");
    else await this.printLarge(value);
  }

  async finish(): Promise<Uint8Array> {
    this.#encode();
    const bytes = Buffer.allocUnsafe(this.#pieces.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const piece of this.#pieces) {
      if (this.#slices.isOver) await this.#slices.next();
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytes;
  }

  async #printList(list: readonly unknown[]): Promise<void> {
    let separator = "[";
    for (const item of list) {
      this.#add(separator);
      separator = ",";
      await this.#print(item);
    }
    this.#add(separator === "[" ? "[]" : "]");
  }

  async #printMembers(value: object): Promise<void> {
    let separator = "{";
    if (this.#slices.isOver) await this.#slices.next();
    for (const key of Object.keys(value)) {
      const member: unknown = Reflect.get(value, key);
      if (member === undefined) continue;
      this.#add(separator);
      separator = ",";
      await this.#print(key);
      this.#add(":");
      await this.#print(member);
    }
    this.#add(separator === "{" ? "{}" : "}");
  }

  /** Halves of a character that stand apart are escaped, so a piece must not end between two that belong together. */
  async #printText(text: string): Promise<void> {
    this.#add('"');
    for (let from = 0; from < text.length;) {
      if (this.#slices.isOver) await this.#slices.next();
      const end = from + PIECE_SIZE;
      const isPair = /^[\ud800-\udbff][\udc00-\udfff]/.test(text.slice(end - 1, end + 1));
      const piece = text.slice(from, isPair ? end - 1 : end);
      this.#add(JSON.stringify(piece).slice(1, -1));
      from += piece.length;
    }
    this.#add('"');
  }

  #add(text: string): void {
    this.#text += text;
    if (this.#text.length >= PIECE_SIZE) this.#encode();
  }

  #encode(): void {
    this.#pieces.push(Buffer.from(this.#text));
    this.#text = "";
  }
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
    if (Array.isArray(next)) {
      if (next.length > left) return false;
      open.push(...next);
      continue;
    }
    const keys = Object.keys(next);
    // Before their values are listed: of very many that takes its time.
    if (keys.length > left) return false;
    for (const key of keys) left -= key.length;
    open.push(...Object.values(next));
  }
  return true;
}
