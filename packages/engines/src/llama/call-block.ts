/**
 * Parses calls that a model writes without tags, as many small models do: JSON objects one after the other, in an
 * array, in a fence. It refuses a text as soon as it can no longer become calls, and does not see the text before and
 * after.
 */

import { isRecord } from "@openai-compat/core";

/** Longer text is not a call: text is held back while it may be one. */
export const CALL_BLOCK_CHARACTERS_MAX = 65_536;
/** Arguments that are nested deeper are refused. */
const DEPTH_MAX = 64;
const LANGUAGE_CHARACTERS_MAX = 16;
const FENCE = 3;
const KEYS: readonly string[] = ["name", "arguments", "parameters", "type", "id"];
const BLANK = /\s/;

export interface BlockCall {
  readonly name: string;
  /** JSON text of an object, as the model wrote it. */
  readonly arguments: string;
}

export interface CallableTools {
  readonly names: readonly string[];
  accepts(call: BlockCall): boolean;
}

/** `closed`: the text is complete calls so far; more may follow. `refused`: the text is not calls, whatever follows. */
export type CallBlockState = "open" | "closed" | "refused";

export class CallBlock {
  state: CallBlockState = "open";
  /** Complete calls so far. */
  readonly calls: BlockCall[] = [];
  /** Characters read so far. */
  length = 0;
  readonly #tools: CallableTools;
  readonly #isContinuation: boolean;
  #mode: "between" | "fence" | "language" | "items" | "object" | "fence-end" = "between";
  #isFenced = false;
  #isArray = false;
  #ticks = 0;
  #languageLength = 0;
  /** Of the part that is open. */
  #items: BlockCall[] = [];
  #object: CallObject | null = null;

  /** @param isContinuation whether it goes on with calls that have been read before: a comma may stand first */
  constructor(tools: CallableTools, isContinuation: boolean) {
    this.#tools = tools;
    this.#isContinuation = isContinuation;
  }

  /** Reads up to the end of the next part at most; `length` says how far. */
  push(text: string): CallBlockState {
    if (this.state === "refused") return this.state;
    for (const character of text) {
      this.state = "open";
      if (!this.#read(character) || this.length >= CALL_BLOCK_CHARACTERS_MAX) this.state = "refused";
      else this.length += character.length;
      if (this.state !== "open") break;
    }
    return this.state;
  }

  /** The text has ended: a fence may lack its end. @returns whether all of it was calls */
  end(): boolean {
    if (this.state === "refused" || this.#isArray) return false;
    if (this.#isFenced && this.#mode !== "object" && this.#items.length > 0) this.#closePart();
    return this.#mode === "between" && this.calls.length > 0;
  }

  /** @returns whether it can still become calls */
  #read(character: string): boolean {
    switch (this.#mode) {
      case "between":
        return this.#readBetween(character);
      case "fence":
      case "fence-end":
        return this.#readFence(character);
      case "language":
        return this.#readLanguage(character);
      case "items":
        return this.#readItems(character);
      case "object":
        return this.#readObject(character);
    }
  }

  #readBetween(character: string): boolean {
    if (BLANK.test(character)) return true;
    const isAfter = this.#isContinuation || this.calls.length > 0;
    if (character === "," || character === ";") return isAfter;
    if (character === "`") {
      this.#ticks = 1;
      this.#mode = "fence";
      return true;
    }
    this.#mode = "items";
    return this.#readItems(character);
  }

  #readFence(character: string): boolean {
    if (character !== "`") return false;
    this.#ticks += 1;
    if (this.#ticks < FENCE) return true;
    if (this.#mode === "fence-end") this.#closePart();
    else {
      this.#isFenced = true;
      this.#languageLength = 0;
      this.#mode = "language";
    }
    return true;
  }

  #readLanguage(character: string): boolean {
    if (/[\w-]/.test(character)) {
      this.#languageLength += 1;
      return this.#languageLength <= LANGUAGE_CHARACTERS_MAX;
    }
    this.#mode = "items";
    return this.#readItems(character);
  }

  #readItems(character: string): boolean {
    if (BLANK.test(character)) return true;
    const hasItems = this.#items.length > 0;
    switch (character) {
      case "{":
        this.#object = new CallObject(this.#tools.names);
        this.#mode = "object";
        return this.#readObject(character);
      case ",":
        return hasItems;
      case "[":
        if (this.#isArray || hasItems) return false;
        this.#isArray = true;
        return true;
      case "]":
        if (!this.#isArray || !hasItems) return false;
        this.#isArray = false;
        if (!this.#isFenced) this.#closePart();
        return true;
      case "`":
        if (!this.#isFenced || this.#isArray || !hasItems) return false;
        this.#ticks = 1;
        this.#mode = "fence-end";
        return true;
      default:
        return false;
    }
  }

  #readObject(character: string): boolean {
    if (this.#object === null || !this.#object.push(character)) return false;
    if (!this.#object.isClosed) return true;
    const call = this.#object.decode();
    if (call === null || !this.#tools.accepts(call)) return false;
    this.#items.push(call);
    this.#object = null;
    if (this.#isFenced || this.#isArray) this.#mode = "items";
    else this.#closePart();
    return true;
  }

  #closePart(): void {
    this.calls.push(...this.#items.splice(0));
    this.#isFenced = false;
    this.#mode = "between";
    this.state = "closed";
  }
}

/**
 * One object, character by character. Whether it is a call is usually known before it is complete, whether it is JSON
 * only then.
 */
class CallObject {
  isClosed = false;
  readonly #names: readonly string[];
  #text = "";
  #depth = 0;
  #key = "";
  #isKey = true;
  #isValueStart = false;
  #isString = false;
  #isEscaped = false;
  #stringStart = 0;
  readonly #values = new Map<string, string>();
  #valueStart = 0;

  constructor(names: readonly string[]) {
    this.#names = names;
  }

  /** @returns whether it can still be a call */
  push(character: string): boolean {
    this.#text += character;
    return this.#isString ? this.#readString(character) : this.#readPlain(character);
  }

  decode(): BlockCall | null {
    try {
      JSON.parse(this.#text);
      const name: unknown = JSON.parse(this.#values.get("name") ?? "null");
      const text = this.#values.get("arguments") ?? this.#values.get("parameters") ?? "null";
      const value: unknown = JSON.parse(text);
      const given = typeof value === "string" ? value : text.trim();
      const decoded: unknown = JSON.parse(given);
      if (typeof name !== "string" || !this.#names.includes(name) || !isRecord(decoded)) return null;
      return { name, arguments: given };
    } catch {
      return null;
    }
  }

  #readString(character: string): boolean {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (character === "\\") this.#isEscaped = true;
    else if (character === '"') {
      this.#isString = false;
      if (this.#depth > 1) return true;
      const text = this.#text.slice(this.#stringStart, -1);
      if (this.#isKey) this.#key = text;
      return this.#expected()?.includes(text) ?? true;
    }
    const expected = this.#depth > 1 ? null : this.#expected();
    if (expected === null) return true;
    const begun = this.#text.slice(this.#stringStart);
    return expected.some((text) => text.startsWith(begun));
  }

  /** What a string that stands directly in the object may say; null for anything. */
  #expected(): readonly string[] | null {
    if (this.#isKey) return KEYS;
    if (this.#key === "name") return this.#names;
    return this.#key === "type" ? ["function"] : null;
  }

  #readPlain(character: string): boolean {
    if (BLANK.test(character)) return true;
    const isValueStart = this.#isValueStart;
    this.#isValueStart = false;
    switch (character) {
      case '"':
        this.#isString = true;
        this.#stringStart = this.#text.length;
        return true;
      case "{":
      case "[":
        if (isValueStart && (character === "[" || !ARGUMENT_KEYS.includes(this.#key))) return false;
        this.#depth += 1;
        return this.#depth <= DEPTH_MAX;
      case "}":
      case "]":
        this.#depth -= 1;
        if (this.#depth === 0) this.#endValue();
        this.isClosed = this.#depth === 0;
        return !this.isClosed || character === "}";
    }
    if (isValueStart) return this.#key === "id";
    if (this.#depth > 1) return true;
    if (character === ":") {
      this.#isKey = false;
      this.#isValueStart = true;
      this.#valueStart = this.#text.length;
    } else if (character === ",") {
      this.#endValue();
      this.#isKey = true;
    }
    // Of other values only an id may have one, and JSON.parse decides.
    return character === ":" || character === "," || this.#key === "id";
  }

  #endValue(): void {
    this.#values.set(this.#key, this.#text.slice(this.#valueStart, -1));
  }
}

const ARGUMENT_KEYS: readonly string[] = ["arguments", "parameters"];
