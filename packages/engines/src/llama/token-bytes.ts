/** Decodes single tokens to text and bytes: a token may be a part of a character. */

export interface TokenBytes {
  /** Bytes that form no character are U+FFFD. */
  readonly text: string;
  readonly bytes: readonly number[];
}

export interface TokenBytesOptions {
  /** The tokens as written in the vocabulary. */
  readonly texts: readonly string[];
  readonly isControlToken: (token: number) => boolean;
  /** The text of one token in the middle of others. */
  readonly detokenize: (token: number) => string;
}

const REPLACEMENT = "\uFFFD";

export function decodeTokenBytes(token: number, { texts, isControlToken, detokenize }: TokenBytesOptions): TokenBytes {
  const vocabularyText = texts[token] ?? "";
  const text = isControlToken(token) ? vocabularyText : detokenize(token);
  const bytes = text.includes(REPLACEMENT) ? readVocabularyBytes(vocabularyText) : null;
  return { text, bytes: bytes ?? [...Buffer.from(text)] };
}

/** @returns null for a vocabulary that is not byte-level. */
function readVocabularyBytes(text: string): number[] | null {
  const hex = /^<0x([0-9A-Fa-f]{2})>$/.exec(text)?.[1];
  if (hex !== undefined) return [Number.parseInt(hex, 16)];
  const bytes = Array.from(text, (letter) => BYTE_OF_LETTER.get(letter));
  return bytes.every((byte) => byte !== undefined) ? bytes : null;
}

/** The alphabet of byte-level vocabularies: printable bytes are themselves, others are letters from U+0100 on. */
const BYTE_OF_LETTER: ReadonlyMap<string, number> = new Map(listByteLetters().map((letter, byte) => [letter, byte]));

export function listByteLetters(): string[] {
  const isPrintable = (byte: number) => (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(isPrintable(byte) ? byte : next++));
}
