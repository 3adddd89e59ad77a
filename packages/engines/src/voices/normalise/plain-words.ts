/**
 * Takes out of a text what is written for the eye: Markdown, addresses, emoji and letters of other scripts. What is
 * left are words, numbers and punctuation.
 */

import { EMOJI, EMOJI_NAMES } from "./emoji-names.ts";

const GREEK_NAMES = new Map(
  (
    "α alpha β beta γ gamma δ delta ε epsilon ζ zeta η eta θ theta ι iota κ kappa λ lambda μ mu ν nu ξ xi ο omicron " +
    "π pi ρ rho σ sigma ς sigma τ tau υ upsilon φ phi χ chi ψ psi ω omega"
  )
    .split(" ")
    .flatMap((letter, index, all) => (index % 2 === 0 ? [[letter, all[index + 1] ?? ""] as const] : [])),
);

/** Of an address that is spoken; the rest is left out. */
const ADDRESS_PARTS_MAX = 12;

const URL_PATTERN = /\b(?:(?:https?|ftp):\/\/|www\.)[^\s<>"'”’)\]]+/giu;
const BARE_ADDRESS =
  /(?<![\p{L}\p{N}@.])(?:[a-z0-9-]+\.)+(?:com|org|net|edu|gov|io|dev|app|ai|co|uk|de|fr|info)(?:\/[^\s<>"'”’)\]]*)?(?![\p{L}\p{N}])/giu;
const MAIL_ADDRESS = /(?<![\p{L}\p{N}])[\p{L}\p{N}._%+-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+/gu;
const ADDRESS_WORDS = new Map(
  Object.entries({
    ".": "dot",
    "/": "slash",
    "-": "dash",
    _: "underscore",
    "@": "at",
    "+": "plus",
    "%": "percent",
    "~": "tilde",
    "=": "equals",
    "&": "and",
    ":": "colon",
  }),
);

export function toPlainWords(text: string): string {
  // What looks alike in other encodings of Unicode is read alike: full-width forms, ligatures, letters with accents.
  const composed = text.normalize("NFC").replaceAll(/[\uff01-\uff5e\ufb00-\ufb06]/g, (form) => form.normalize("NFKC"));
  return nameEmoji(nameAddresses(dropMarkdown(composed)))
    .replaceAll(/\p{Script=Greek}+/gu, nameGreek)
    .replaceAll(/(?!\p{Script=Latin})\p{L}[\p{L}\p{M}\u200c\u200d]*/gu, " ")
    .replaceAll(/[\p{Cc}\p{Cf}\p{Co}\p{Cn}\ufffd]/gu, " ");
}

function dropMarkdown(text: string): string {
  return text
    .replaceAll(/```[^\n`]*\n?/g, " ")
    .replaceAll(/!?\[([^\]\n]*)\]\([^)\s]*\)/g, "$1")
    .replaceAll(/^\s{0,3}(?:#{1,6}|>|[-*+•])\s+/gm, "")
    .replaceAll(/^\s*(?:[-*_]\s*){3,}$/gm, " ")
    .replaceAll(/(?<![\p{L}\p{N}*])(\*{1,3})(?=\S)([^*\n]+?)(?<=\S)\1(?![\p{L}\p{N}*])/gu, "$2")
    .replaceAll(/(?<![\p{L}\p{N}_])(_{1,3})(?=\S)([^_\n]+?)(?<=\S)\1(?![\p{L}\p{N}_])/gu, "$2")
    .replaceAll(/~~([^~\n]+)~~/g, "$1")
    .replaceAll("`", "");
}

function nameAddresses(text: string): string {
  return text
    .replaceAll(MAIL_ADDRESS, (address) => ` ${sayAddress(address)} `)
    .replaceAll(URL_PATTERN, (address) => sayUrl(address))
    .replaceAll(BARE_ADDRESS, (address) => sayUrl(address));
}

/** Without the scheme, and without what only machines read. */
function sayUrl(url: string): string {
  const end = /[.,;:!?]+$/.exec(url)?.[0] ?? "";
  const address = url
    .slice(0, url.length - end.length)
    .replace(/^[a-z]+:\/\//i, "")
    .replace(/^www\./i, "")
    .replace(/[?#].*$/, "")
    .replace(/\/$/, "");
  return ` ${sayAddress(address)}${end} `;
}

function sayAddress(address: string): string {
  const parts = address.match(/[\p{L}\p{N}]+|[^\p{L}\p{N}]/gu) ?? [];
  const words = parts.slice(0, ADDRESS_PARTS_MAX * 2).map((part) => ADDRESS_WORDS.get(part) ?? part);
  return words.join(" ");
}

function nameEmoji(text: string): string {
  const isAlone = text.replaceAll(EMOJI, "").trim() === "";
  return text.replaceAll(EMOJI, (emoji) => {
    const name = EMOJI_NAMES.get(String.fromCodePoint(emoji.codePointAt(0) ?? 0));
    if (name === undefined) return isAlone ? " emoji, " : " ";
    return ` ${name}, `;
  });
}

function nameGreek(word: string): string {
  // A symbol of a formula, not a word of the language.
  if (Array.from(word).length > 2) return " ";
  return ` ${Array.from(word.toLowerCase(), (letter) => GREEK_NAMES.get(letter) ?? "").join(" ")} `;
}
