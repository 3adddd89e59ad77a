/**
 * Guesses how a word sounds that no dictionary has, with a small network that reads letters. Pronunciations are
 * remembered: a text repeats its words.
 */

import type { OnnxModule, OnnxSession } from "../../onnx/onnx-runtime.ts";

export interface UnknownWordsData {
  /** Letters that the network knows. */
  readonly in: readonly string[];
  /** Phonemes that it makes. */
  readonly out: readonly string[];
  /** The longest word. */
  readonly maxlen: number;
}

export interface UnknownWords {
  /** @returns null where the network knows no letter of the word */
  guess(word: string): Promise<string | null>;
}

/** Words that are remembered. */
const REMEMBERED_MAX = 2000;

export function createUnknownWords({ Tensor }: OnnxModule, session: OnnxSession, data: UnknownWordsData): UnknownWords {
  const idOf = new Map(data.in.map((letter, index) => [letter, index + 1]));
  const remembered = new Map<string, string | null>();

  async function compute(word: string): Promise<string | null> {
    const ids = Array.from(word).flatMap((letter) => idOf.get(letter) ?? []);
    const parts: string[] = [];
    // A longer word is read as several.
    for (let start = 0; start < ids.length; start += data.maxlen) {
      parts.push(await computePart(ids.slice(start, start + data.maxlen)));
    }
    return parts.length === 0 ? null : parts.join("");
  }

  async function computePart(ids: readonly number[]): Promise<string> {
    const chars = new Tensor("int64", BigInt64Array.from(ids, BigInt), [1, ids.length]);
    const [output] = Object.values(await session.run({ chars }));
    let phonemes = "";
    let previous = 0;
    for (const value of Array.from(output?.data ?? [], Number)) {
      if (value !== previous && value !== 0) phonemes += data.out[value - 1] ?? "";
      previous = value;
    }
    return phonemes;
  }

  return {
    async guess(word) {
      const known = remembered.get(word);
      if (known !== undefined) return known;
      const phonemes = await compute(word);
      if (remembered.size >= REMEMBERED_MAX) remembered.clear();
      remembered.set(word, phonemes);
      return phonemes;
    },
  };
}
