/**
 * The input of a custom tool. Models know functions alone, so that a custom tool is shown to them as one whose only
 * argument is a text: what they write is unwrapped on the way out, and earlier calls are wrapped on the way in.
 */

import type { JsonSchema } from "./chat-output.ts";

/** The parameters of the function. @param pattern ECMAScript with the flag `u`; null for any text. */
export function describeInput(description: string, pattern: string | null): JsonSchema {
  return {
    type: "object",
    properties: { input: { type: "string", description, ...(pattern === null ? null : { pattern }) } },
    required: ["input"],
    additionalProperties: false,
  };
}

/** The arguments of the function, for a call of an earlier round. */
export function wrapInput(input: string): string {
  return JSON.stringify({ input });
}

export interface InputReader {
  /** @returns what the next piece of the arguments adds to the input: whole code points, often none. */
  push(text: string): string;
}

/**
 * Takes the input out of the arguments as they come, cut anywhere. What is cut for good, such as half of an escape, is
 * no part of it; half of a surrogate pair is U+FFFD. The arguments have to conform to `describeInput`, as far as they
 * go.
 */
export function createInputReader(): InputReader {
  return new Reader();
}

const ESCAPES: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };
const UNICODE_ESCAPE_LENGTH = 6;
const REPLACEMENT = "\ufffd";

class Reader implements InputReader {
  #section: "before-name" | "name" | "before-input" | "input" | "after-input" = "before-name";
  /** From its backslash on, as long as it is not whole. */
  #escape = "";
  /** The first half of a surrogate pair. */
  #high = "";
  #added = "";

  push(text: string): string {
    this.#added = "";
    for (let at = 0; at < text.length && this.#section !== "after-input"; at += 1) this.#read(text.charAt(at));
    return this.#added;
  }

  /** @param unit of UTF-16. */
  #read(unit: string): void {
    if (this.#escape !== "") this.#readEscape(unit);
    else if (unit === '"') this.#pass();
    else if (unit === "\\") this.#escape = unit;
    else this.#add(unit);
  }

  #readEscape(unit: string): void {
    this.#escape += unit;
    if (this.#escape.startsWith("\\u") && this.#escape.length < UNICODE_ESCAPE_LENGTH) return;
    const [, letter = "", ...digits] = this.#escape;
    this.#escape = "";
    this.#add(letter === "u" ? String.fromCharCode(Number.parseInt(digits.join(""), 16)) : (ESCAPES[letter] ?? letter));
  }

  /** A quotation mark begins or ends the name or the input. */
  #pass(): void {
    switch (this.#section) {
      case "before-name":
        this.#section = "name";
        break;
      case "name":
        this.#section = "before-input";
        break;
      case "before-input":
        this.#section = "input";
        break;
      case "input":
        this.#endHalf();
        this.#section = "after-input";
        break;
      case "after-input":
    }
  }

  #add(unit: string): void {
    if (this.#section !== "input") return;
    if (isLow(unit)) {
      this.#added += this.#high === "" ? REPLACEMENT : this.#high + unit;
      this.#high = "";
      return;
    }
    this.#endHalf();
    if (isHigh(unit)) this.#high = unit;
    else this.#added += unit;
  }

  #endHalf(): void {
    if (this.#high !== "") this.#added += REPLACEMENT;
    this.#high = "";
  }
}

function isHigh(unit: string): boolean {
  return unit >= "\ud800" && unit <= "\udbff";
}

function isLow(unit: string): boolean {
  return unit >= "\udc00" && unit <= "\udfff";
}
