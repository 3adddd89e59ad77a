/** Texts to tokens and back, by the byte pairs of the checkpoint. */

/** How GPT-2 cuts a text before it pairs bytes; Whisper's multilingual vocabulary was made the same way. */
const PIECES = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;
/** A longer piece is cut: pairing takes time by the square of its length. */
const PIECE_BYTES_MAX = 256;

export interface WhisperText {
  encode(text: string): readonly number[];
  /** Bytes of a token; none for a special one. */
  bytesOf(token: number): Buffer;
  /** Special tokens are left out. */
  decode(tokens: readonly number[]): string;
}

/** @param textTokens bytes of each text token; a pair with a lower id is joined first */
export function createWhisperText(textTokens: readonly Buffer[]): WhisperText {
  const ids = new Map(textTokens.map((bytes, id) => [bytes.toString("latin1"), id] as const));
  const nothing = Buffer.alloc(0);
  const bytesOf = (token: number): Buffer => textTokens[token] ?? nothing;
  return {
    bytesOf,
    decode: (tokens) => Buffer.concat(tokens.map(bytesOf)).toString("utf8"),
    encode(text) {
      return [...text.matchAll(PIECES)].flatMap(([piece]) => {
        const bytes = Buffer.from(piece).toString("latin1");
        const parts: number[] = [];
        for (let from = 0; from < bytes.length; from += PIECE_BYTES_MAX) {
          parts.push(...joinPairs(bytes.slice(from, from + PIECE_BYTES_MAX), ids));
        }
        return parts;
      });
    },
  };
}

function joinPairs(bytes: string, ids: ReadonlyMap<string, number>): readonly number[] {
  const parts = Array.from(bytes);
  for (;;) {
    let [first, lowest] = [-1, Infinity];
    for (let index = 0; index + 1 < parts.length; index += 1) {
      const id = ids.get(`${parts[index]}${parts[index + 1]}`);
      if (id !== undefined && id < lowest) [first, lowest] = [index, id];
    }
    if (first === -1) break;
    parts.splice(first, 2, `${parts[first]}${parts[first + 1]}`);
  }
  return parts.flatMap((part) => ids.get(part) ?? []);
}
