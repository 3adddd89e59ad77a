/**
 * Parses the JSON text of a large body in slices, so that no text stops the event loop: `JSON.parse` takes its time in
 * one go. It gives the value that `JSON.parse` gives, or refuses the text as that does, and counts against the same
 * bounds.
 */

import type { WorkSlices } from "@openai-compat/core";
import { isBlank, isNumberStart } from "./json-values.ts";
import type { JsonBounds, JsonExcess } from "./json-values.ts";

export type JsonParse =
  | { readonly type: "value"; readonly value: unknown }
  | { readonly type: "excess"; readonly excess: JsonExcess }
  /** Where the text stopped being JSON. */
  | { readonly type: "invalid"; readonly byte: number };

/**
 * @param bytes valid UTF-8.
 * @throws what `slices` throws
 */
export async function parseJsonInSlices(bytes: Buffer, bounds: JsonBounds, slices: WorkSlices): Promise<JsonParse> {
  const parser = new Parser(bytes, bounds, slices);
  try {
    return { type: "value", value: await parser.parse() };
  } catch (thrown) {
    if (thrown instanceof ExcessError) return { type: "excess", excess: thrown.excess };
    if (thrown instanceof SyntaxError) return { type: "invalid", byte: parser.at };
    throw thrown;
  }
}

class ExcessError extends Error {
  readonly excess: JsonExcess;

  constructor(excess: JsonExcess) {
    super(excess);
    this.excess = excess;
  }
}

/** Text that is handed to `JSON.parse` at once, in bytes; longer strings are put together from such pieces. */
const PIECE_BYTES_MAX = 64 * 1024;
/** Values that are parsed between two looks at the clock, and bytes that are passed over. */
const VALUES_PER_LOOK = 64;
const BYTES_PER_LOOK = 64 * 1024;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPENING_BRACKET = 0x5b;
const CLOSING_BRACKET = 0x5d;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;

/** An array or an object that is not whole yet. */
type Open = { readonly list: unknown[] } | { readonly members: Record<string, unknown>; key: string };

class Parser {
  /** The next byte. */
  at = 0;
  readonly #bytes: Buffer;
  readonly #bounds: JsonBounds;
  readonly #slices: WorkSlices;
  readonly #open: Open[] = [];
  #values = 1;
  #numbers = 0;
  #looksLeft = VALUES_PER_LOOK;

  constructor(bytes: Buffer, bounds: JsonBounds, slices: WorkSlices) {
    this.#bytes = bytes;
    this.#bounds = bounds;
    this.#slices = slices;
  }

  async parse(): Promise<unknown> {
    for (;;) {
      this.#looksLeft -= 1;
      if (this.#looksLeft <= 0) await this.#look();
      if (this.#isAtBlank) await this.#skipBlanks();
      const isOpened = this.#openContainer();
      if (isOpened && this.#isAtBlank) await this.#skipBlanks();
      const open = isOpened ? this.#open.at(-1) : undefined;
      if (open !== undefined && !this.#isAtEndOf(open)) {
        if ("members" in open) open.key = await this.#readKey();
        continue;
      }
      // A container that holds nothing is whole at once; else here is a value that holds no other.
      const value = open === undefined ? await this.#readValue() : this.#closeContainer(open);
      const whole = await this.#place(value);
      if (whole === null) continue;
      if (this.#isAtBlank) await this.#skipBlanks();
      if (this.at < this.#bytes.length) throw new SyntaxError("text after the value");
      return whole.value;
    }
  }

  /** @returns whether one begins here. */
  #openContainer(): boolean {
    const byte = this.#bytes[this.at];
    if (byte !== OPENING_BRACKET && byte !== OPENING_BRACE) return false;
    if (this.#open.length >= this.#bounds.depthMax) throw new ExcessError("depth");
    this.#count("values");
    this.#open.push(byte === OPENING_BRACKET ? { list: [] } : { members: {}, key: "" });
    this.at += 1;
    return true;
  }

  #isAtEndOf(open: Open): boolean {
    return this.#bytes[this.at] === ("list" in open ? CLOSING_BRACKET : CLOSING_BRACE);
  }

  #closeContainer(open: Open): unknown {
    this.#open.pop();
    this.at += 1;
    return "list" in open ? open.list : open.members;
  }

  #readValue(): unknown {
    return this.#bytes[this.at] === QUOTE ? this.#readString() : this.#readScalar();
  }

  /** Puts a value where it belongs, and what becomes whole by it. @returns null while something is open. */
  async #place(first: unknown): Promise<{ readonly value: unknown } | null> {
    let value = first;
    for (;;) {
      const open = this.#open.at(-1);
      if (open === undefined) return { value };
      if ("list" in open) open.list.push(value);
      else setMember(open.members, open.key, value);
      if (this.#isAtBlank) await this.#skipBlanks();
      if (this.#bytes[this.at] === COMMA) {
        this.at += 1;
        if (this.#isAtBlank) await this.#skipBlanks();
        const isElement = "list" in open;
        this.#count(isElement && isNumberStart(this.#bytes[this.at]) ? "numbers" : "values");
        if (!isElement) open.key = await this.#readKey();
        return null;
      }
      if (!this.#isAtEndOf(open)) throw new SyntaxError("neither a comma nor an end");
      value = this.#closeContainer(open);
    }
  }

  async #readKey(): Promise<string> {
    if (this.#bytes[this.at] !== QUOTE) throw new SyntaxError("no key");
    const key = await this.#readString();
    if (this.#isAtBlank) await this.#skipBlanks();
    if (this.#bytes[this.at] !== COLON) throw new SyntaxError("no colon");
    this.at += 1;
    return key;
  }

  /** From its quote to the byte after the other. */
  async #readString(): Promise<string> {
    const bytes = this.#bytes;
    const parts: string[] = [];
    let from = this.at + 1;
    let at = from;
    let lookAt = at + BYTES_PER_LOOK;
    for (;;) {
      const byte = bytes[at];
      if (byte === undefined) throw new SyntaxError("no end of a string");
      if (byte === QUOTE) break;
      // A piece ends neither within an escape nor within a character.
      if (at - from >= PIECE_BYTES_MAX && (byte & 0xc0) !== 0x80) {
        parts.push(parseString(bytes.toString("utf8", from, at)));
        from = at;
        this.at = at;
      }
      if (at >= lookAt) {
        lookAt = at + BYTES_PER_LOOK;
        await this.#look();
      }
      // `\u0041` is a letter and four digits: none of them is a quote, but a piece must not end there.
      at += byte === BACKSLASH ? (bytes[at + 1] === 0x75 ? 6 : 2) : 1;
    }
    parts.push(parseString(bytes.toString("utf8", from, at)));
    this.at = at + 1;
    return parts.length === 1 ? (parts[0] ?? "") : parts.join("");
  }

  /** A number, `true`, `false` or `null`. */
  #readScalar(): unknown {
    const { at: start } = this;
    let end = start;
    while (isScalarByte(this.#bytes[end])) {
      end += 1;
      // No number of use is so long, and nothing reads one in slices.
      if (end - start > PIECE_BYTES_MAX) throw new SyntaxError("an endless number");
    }
    const value: unknown = JSON.parse(this.#bytes.toString("latin1", start, end));
    this.at = end;
    return value;
  }

  get #isAtBlank(): boolean {
    return isBlank(this.#bytes[this.at]);
  }

  async #skipBlanks(): Promise<void> {
    let lookAt = this.at + BYTES_PER_LOOK;
    while (isBlank(this.#bytes[this.at])) {
      this.at += 1;
      if (this.at < lookAt) continue;
      lookAt = this.at + BYTES_PER_LOOK;
      await this.#look();
    }
  }

  async #look(): Promise<void> {
    this.#looksLeft = VALUES_PER_LOOK;
    if (this.#slices.isOver) await this.#slices.next();
  }

  #count(kind: "values" | "numbers"): void {
    if (kind === "values") this.#values += 1;
    else this.#numbers += 1;
    if (this.#values > this.#bounds.valuesMax) throw new ExcessError("values");
    if (this.#numbers > this.#bounds.numbersMax) throw new ExcessError("numbers");
  }
}

function parseString(inner: string): string {
  return String(JSON.parse(`"${inner}"`));
}

/** A name of the language's own is a member like any other. */
function setMember(members: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== "__proto__") members[key] = value;
  else Object.defineProperty(members, key, { value, enumerable: true, configurable: true, writable: true });
}

/** What may stand in a number or a word. */
function isScalarByte(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  const isLetter = (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
  return isLetter || isNumberStart(byte) || byte === 0x2b || byte === 0x2e;
}
