/** Which texts the voices can speak: English, as far as it is written with Latin letters, numbers and signs. */

import { AiError } from "@openai-compat/core";
import { EMOJI } from "./emoji-names.ts";

/** What is spoken: words, numbers, and signs that have a name. */
const SPOKEN = /\p{Script=Latin}|\p{Script=Greek}|\p{N}|[%&+@=$€£¥°±×÷]/u;
const LETTER = /\p{L}/gu;
const FOREIGN_LETTER = /(?!\p{Script=Latin}|\p{Script=Greek})\p{L}/gu;
/** Named in the error, so that it says what was not understood. */
const SCRIPTS = [
  "Arabic",
  "Armenian",
  "Bengali",
  "Cyrillic",
  "Devanagari",
  "Georgian",
  "Gujarati",
  "Gurmukhi",
  "Han",
  "Hangul",
  "Hebrew",
  "Hiragana",
  "Katakana",
  "Khmer",
  "Lao",
  "Myanmar",
  "Sinhala",
  "Tamil",
  "Telugu",
  "Thai",
  "Tibetan",
];

/**
 * Letters of other scripts are left out of a text that is mostly Latin, such as a name in brackets. A text that is
 * mostly in another script is refused: half of it in silence would be worse than an error.
 *
 * @throws AiError `invalid_value` (`input`) for a text that can't be spoken, naming the script
 */
export function requireSpeakable(text: string): void {
  const foreign = text.match(FOREIGN_LETTER) ?? [];
  const letters = text.match(LETTER) ?? [];
  if (foreign.length > 0 && foreign.length * 2 >= letters.length) {
    const found = SCRIPTS.filter((script) => new RegExp(String.raw`\p{Script=${script}}`, "u").test(text));
    const named = found.length === 0 ? "another script" : `the script ${found.join(", ")}`;
    throw refuse(`the voices of this model speak English, and the text is in ${named}`);
  }
  if (!SPOKEN.test(text) && text.match(EMOJI) === null) throw refuse("it has nothing that can be spoken");
}

/** @param reason a clause */
export function refuse(reason: string): AiError {
  return new AiError("invalid_value", `Invalid 'input': ${reason}.`, { param: "input" });
}
