/**
 * Cuts a text into pieces that are spoken one after the other: sentences, and long ones where they pause. It decides
 * what is heard first and how soon an abort is noticed, so pieces are short.
 */

export interface TextPiece {
  readonly text: string;
  /** Code points of the whole text up to the end of the piece. */
  readonly endCharacters: number;
}

export interface CutTextOptions {
  /** Of a piece, in UTF-16 units. */
  readonly lengthMax: number;
  /** Of the first piece: its sound is waited for. */
  readonly firstLengthMax: number;
  /** Words before a point that ends no sentence: "Dr". */
  readonly titles: ReadonlySet<string>;
}

const SENTENCE_END = /(?<=[.!?…])["”’')\]]*\s+(?=\S)|\n+/gu;
/** Where a long sentence is cut, the best places first. */
const PAUSES = [/[;:—]\s+|\s[—–-]\s/gu, /,\s+/gu, /\s+/gu];

/** Of pieces that hold more than blanks. The last one ends with the text. */
export function cutText(text: string, options: CutTextOptions): readonly TextPiece[] {
  const { lengthMax, firstLengthMax, titles } = options;
  const pieces: TextPiece[] = [];
  let endCharacters = 0;
  for (const sentence of splitSentences(text, titles)) {
    let rest = sentence;
    while (rest !== "") {
      const limit = pieces.length === 0 ? firstLengthMax : lengthMax;
      const piece = rest.slice(0, rest.length > limit ? findCut(rest, limit) : rest.length);
      rest = rest.slice(piece.length);
      endCharacters += Array.from(piece).length;
      if (piece.trim() !== "") pieces.push({ text: piece.trim(), endCharacters });
    }
  }
  const last = pieces.pop();
  return last === undefined ? [] : [...pieces, { ...last, endCharacters }];
}

function splitSentences(text: string, titles: ReadonlySet<string>): readonly string[] {
  const sentences: string[] = [];
  let start = 0;
  for (const match of text.matchAll(SENTENCE_END)) {
    const end = match.index + match[0].length;
    if (
      !match[0].includes("\n") &&
      !endsSentence({ before: text.slice(start, match.index), next: text[end] ?? "" }, titles)
    ) {
      continue;
    }
    sentences.push(text.slice(start, end));
    start = end;
  }
  return [...sentences, text.slice(start)];
}

function endsSentence(
  { before, next }: { readonly before: string; readonly next: string },
  titles: ReadonlySet<string>,
): boolean {
  if (next !== next.toUpperCase()) return false;
  if (!before.endsWith(".")) return true;
  const word = /([^\s("“'‘]*)\.$/u.exec(before)?.[1] ?? "";
  return !titles.has(word) && !/^\p{Lu}$/u.test(word);
}

/** @returns the end of the piece: the last good place before the limit, never within a character */
function findCut(text: string, limit: number): number {
  const head = text.slice(0, limit);
  for (const pause of PAUSES) {
    const places = [...head.matchAll(pause)].map((match) => match.index + match[0].length);
    // One that leaves a few words alone is no gain.
    const place = places.findLast((end) => end > limit / 3);
    if (place !== undefined) return place;
  }
  const isSplit = /[\ud800-\udbff]$/.test(head);
  return isSplit ? limit - 1 : limit;
}
