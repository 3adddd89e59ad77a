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

/** Of a micrometre: a letter of no script, or a Greek one. */
const MICRO_SIGN = /(?<=\d\s?)[µμ](?=\p{L})/gu;

/** Of HTML and SSML. What only looks like one ("a <b and c> d") has no attribute with a value. */
const TAG = /<[/!?]?[a-z][\w:-]*(?:\s+[\w:-]+\s*=\s*(?:"[^"<>]*"|'[^'<>]*'|[^\s"'<>]+))*\s*[/?]?>/giu;
const ENTITIES = new Map([
  ["&amp;", "&"],
  ["&lt;", "<"],
  ["&gt;", ">"],
  ["&quot;", '"'],
  ["&apos;", "'"],
  ["&#39;", "'"],
  ["&nbsp;", " "],
]);

/** Three words at least; a word of few letters within them is no abbreviation. */
const CAPITALS = /(?<![\p{L}\p{N}])\p{Lu}[\p{Lu}'’]*(?:[^\p{L}\p{N}.!?]+\p{Lu}[\p{Lu}'’]*){2,}(?![\p{L}\p{N}])/gu;
const SHORT_WORDS = new Set(
  (
    "A AM AN AND ARE AS AT BE BUT BY CAN DO FOR GO HAS HE HER HIM HIS IF IN IS IT ITS ME MY NO NOT OF ON OR OUR OUT SHE SO " +
    "THE THEY TO UP US WAS WE WHO WHY YOU"
  ).split(" "),
);

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
  return nameEmoji(nameAddresses(dropMarkdown(dropTags(composed))))
    .replaceAll(CAPITALS, lowerShortWords)
    .replaceAll(MICRO_SIGN, "µ")
    .replaceAll(/\p{Script=Greek}+/gu, nameGreek)
    .replaceAll(/(?!\p{Script=Latin}|µ)\p{L}[\p{L}\p{M}\u200c\u200d]*/gu, " ")
    .replaceAll(/[\p{Cc}\p{Cf}\p{Co}\p{Cn}\ufffd]/gu, " ");
}

function dropTags(text: string): string {
  return text.replaceAll(TAG, " ").replaceAll(/&(?:[a-z]{2,4}|#39);/g, (entity) => ENTITIES.get(entity) ?? entity);
}

/** "TELL ME NOW": two letters that are a word. One in capitals among other words is left as it is. */
function lowerShortWords(words: string): string {
  const list = words.match(/\p{L}+/gu) ?? [];
  if (!list.some((word) => SHORT_WORDS.has(word))) return words;
  return words.replaceAll(/(\p{L}+)(?:['’]\p{L}+)?/gu, (word, start: string) =>
    word.length > 1 && SHORT_WORDS.has(start) ? word.toLowerCase() : word,
  );
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
