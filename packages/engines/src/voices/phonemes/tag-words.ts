/**
 * Says what part of speech each word of a sentence is, which decides how "read", "live" or "record" sound. An averaged
 * perceptron; its weights are data of the voice.
 *
 * A port of the tagger of hibari-tts (Apache-2.0, https://github.com/MMWilliams/hibari).
 */

export interface TaggerData {
  /** Words that nearly always are one thing. */
  readonly tagdict: Readonly<Record<string, string>>;
  readonly tags: readonly string[];
  readonly vocab: readonly string[];
  readonly weights: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export type TagWords = (words: readonly string[]) => readonly string[];

const BEFORE = ["-START2-", "-START-"] as const;
const AFTER = ["-END-", "-END2-"] as const;

export function createTagger(data: TaggerData): TagWords {
  const known = new Map(Object.entries(data.tagdict));
  const vocabulary = new Set(data.vocab);
  const weights = new Map(Object.entries(data.weights));
  // Of two tags with the same score the later one in this order wins.
  const tags = data.tags.toSorted((left, right) => (left < right ? -1 : 1));

  function predict(features: readonly string[]): string {
    const scores = new Map<string, number>();
    for (const feature of features) {
      for (const [tag, weight] of Object.entries(weights.get(feature) ?? {})) {
        scores.set(tag, (scores.get(tag) ?? 0) + weight);
      }
    }
    let best = "NN";
    let bestScore = -Infinity;
    if (scores.size === 0) return best;
    for (const tag of tags) {
      const score = scores.get(tag) ?? 0;
      if (score >= bestScore) [best, bestScore] = [tag, score];
    }
    return best;
  }

  return (words) => {
    const normal = words.map((word) => {
      const normalised = normalise(word);
      return vocabulary.has(normalised) ? normalised : `<${describeShape(word)}>`;
    });
    const context = [...BEFORE, ...normal, ...AFTER];
    const found: string[] = [];
    let [earlier, previous]: [string, string] = [...BEFORE];
    for (const [index, word] of words.entries()) {
      const features = listFeatures({ index, word, context, previous, earlier });
      const tag = known.get(word) ?? predict(features);
      found.push(tag);
      [earlier, previous] = [previous, tag];
    }
    return found;
  };
}

interface Position {
  readonly index: number;
  readonly word: string;
  /** The words with two markers before and after. */
  readonly context: readonly string[];
  readonly previous: string;
  readonly earlier: string;
}

function listFeatures({ index, word, context, previous, earlier }: Position): readonly string[] {
  const at = (offset: number): string => context[index + 2 + offset] ?? "";
  return [
    "b",
    `s3=${endOf(word)}`,
    `p1=${firstOf(word)}`,
    `w=${at(0)}`,
    `sh=${describeShape(word)}`,
    index === 0 ? "i0" : "i+",
    `t-1=${previous}`,
    `t-2=${earlier}`,
    `t-12=${previous},${earlier}`,
    `w-1=${at(-1)}`,
    `s3-1=${endOf(at(-1))}`,
    `w-2=${at(-2)}`,
    `w+1=${at(1)}`,
    `s3+1=${endOf(at(1))}`,
    `w+2=${at(2)}`,
  ];
}

function endOf(word: string): string {
  return Array.from(word).slice(-3).join("");
}

function firstOf(word: string): string {
  return Array.from(word)[0] ?? "";
}

function normalise(word: string): string {
  if (word.includes("-") && !word.startsWith("-")) return "!HYPHEN";
  if (/^\p{Nd}{4}$/u.test(word)) return "!YEAR";
  return /^\p{Nd}/u.test(word) ? "!DIGITS" : word.toLowerCase();
}

function describeShape(word: string): string {
  if (/^\p{L}+$/u.test(word)) {
    const [lower, upper] = [word.toLowerCase(), word.toUpperCase()];
    if (word === lower) return "x";
    if (word === upper) return word.length > 1 ? "XX" : "X1";
    return /^\p{Lu}/u.test(word) && word.slice(1) === lower.slice(1) ? "Xx" : "xX";
  }
  if (/^\p{Nd}+$/u.test(word)) return "d";
  return Array.from(word)
    .slice(0, 4)
    .map((character) => character.replace(/\p{Nd}/u, "d").replace(/(?!d)\p{L}/u, "x"))
    .join("");
}
