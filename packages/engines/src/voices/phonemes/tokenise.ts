/**
 * Cuts a sentence into words as the tagger was trained on: punctuation and units are peeled off, contractions are
 * split, and what the table of exceptions lists is taken whole.
 *
 * The rules are spaCy's for English (MIT, https://github.com/explosion/spaCy), as hibari-tts (Apache-2.0) states them.
 */

export interface Piece {
  readonly text: string;
  /** A blank, or nothing where the next piece follows at once. */
  readonly whitespace: string;
}

export type Tokenise = (text: string) => readonly Piece[];

const LETTER = String.raw`\p{L}`;
const [LOWER, UPPER] = [String.raw`a-zß-öø-ÿ`, String.raw`A-ZÀ-ÖØ-Þ`];
const QUOTES = "'\"”“`‘´’‚,„»«「」『』（）〔〕【】《》〈〉";
const PUNCTUATION = String.raw`…,:;!?¿¡\(\)\[\]\{\}<>_#*&。？！，、；：～·`;
const ICONS = "™®©°§¶†‡•";
const CURRENCIES = String.raw`\$|£|€|¥|฿|US\$|C\$|A\$|₽|₹|₩|₪|₺|₴|₦|₫|₱|₲|₵|₸|₼|₾|₿`;
const UNITS =
  "km²|km³|km/h|kmh|km|m²|m³|m/s|mph|mbar|mb|mm²|mm³|mm|mg|m|dm²|dm³|dm|cm²|cm³|cm|ha|µm|µg|nm|yd|in|ft|kg|kb|g|gb|t|tb|lb|oz|hPa|Pa|MB|M|KB|K|GB|G|TB|T|%";

const PREFIX = new RegExp(
  String.raw`^(?:\.\.+|…+|\+(?![0-9])|US\$|C\$|A\$|[§%=—–${PUNCTUATION}${QUOTES}${ICONS}]|${CURRENCIES})`,
  "u",
);
const SUFFIX = new RegExp(
  [
    String.raw`\.\.+`,
    String.raw`['’][sS]`,
    String.raw`(?<=[0-9])\+`,
    String.raw`(?<=°[FfCcKk])\.`,
    String.raw`(?<=[0-9])(?:${CURRENCIES})`,
    String.raw`(?<=[0-9])(?:${UNITS})`,
    String.raw`(?<=[0-9${LOWER}%²\-+${PUNCTUATION}${QUOTES}])\.`,
    String.raw`(?<=[${UPPER}][${UPPER}])\.`,
    String.raw`[—–${PUNCTUATION}${QUOTES}${ICONS}]`,
  ]
    .map((rule) => `(?:${rule})$`)
    .join("|"),
  "u",
);
const INFIX = new RegExp(
  [
    String.raw`\.\.+|…`,
    `[${ICONS}]`,
    String.raw`(?<=[0-9])[+\-*^](?=[0-9\-])`,
    String.raw`(?<=[${LOWER}${QUOTES}])\.(?=[${UPPER}${QUOTES}])`,
    `(?<=${LETTER}),(?=${LETTER})`,
    String.raw`(?<=[\p{L}\p{N}])(?:---|--|——|-|–|—|~)(?=${LETTER})`,
    String.raw`(?<=[\p{L}\p{N}])[:<>=\/](?=${LETTER})`,
  ].join("|"),
  "gu",
);

/** @param exceptions words and the pieces that they are */
export function createTokeniser(exceptions: Readonly<Record<string, readonly string[]>>): Tokenise {
  const special = new Map(Object.entries(exceptions));
  return (text) =>
    [...text.matchAll(/\S+/gu)].flatMap((match): readonly Piece[] => {
      const end = match.index + match[0].length;
      const texts = splitWord(match[0], special);
      const whitespace = end < text.length ? " " : "";
      return texts.map((piece, index) => ({ text: piece, whitespace: index === texts.length - 1 ? whitespace : "" }));
    });
}

type Exceptions = ReadonlyMap<string, readonly string[]>;

function splitWord(word: string, special: Exceptions): readonly string[] {
  const whole = special.get(word);
  if (whole !== undefined) return whole;
  const { before, core, after } = peel(word, special);
  const inner = core === "" ? [] : (special.get(core) ?? splitInside(core));
  const pieces = [...before, ...inner, ...after.toReversed()];
  return pieces.length > 1 ? rejoin(pieces, special) : pieces;
}

function peel(word: string, special: Exceptions): { before: string[]; core: string; after: string[] } {
  const [before, after]: [string[], string[]] = [[], []];
  let core = word;
  for (let length = -1; core !== "" && core.length !== length && !special.has(core);) {
    length = core.length;
    const prefix = PREFIX.exec(core)?.[0] ?? "";
    if (prefix !== "") {
      before.push(prefix);
      core = core.slice(prefix.length);
      if (special.has(core)) break;
    }
    const suffix = SUFFIX.exec(core)?.[0] ?? "";
    if (suffix !== "" && suffix.length <= core.length) {
      after.push(suffix);
      core = core.slice(0, core.length - suffix.length);
    }
  }
  return { before, core, after };
}

function splitInside(word: string): readonly string[] {
  const pieces: string[] = [];
  let start = 0;
  for (const match of word.matchAll(INFIX)) {
    if (match.index === 0) continue;
    if (match.index > start) pieces.push(word.slice(start, match.index));
    pieces.push(match[0]);
    start = match.index + match[0].length;
  }
  if (start < word.length) pieces.push(word.slice(start));
  return pieces;
}

/** Pieces that spell an exception together are one again: "Sept" and "." */
function rejoin(pieces: readonly string[], special: Exceptions): readonly string[] {
  const joined: string[] = [];
  for (let index = 0; index < pieces.length;) {
    const length = [3, 2].find(
      (count) => index + count <= pieces.length && special.has(pieces.slice(index, index + count).join("")),
    );
    const found = length === undefined ? undefined : special.get(pieces.slice(index, index + length).join(""));
    joined.push(...(found ?? pieces.slice(index, index + 1)));
    index += found === undefined ? 1 : (length ?? 1);
  }
  return joined;
}
