/** A text that is spoken, heard and compared with what was heard. It is in the public domain. */

/** The opening of "A Tale of Two Cities", Charles Dickens, 1859: about 45 s of speech. */
export const KNOWN_TEXT =
  "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness, " +
  "it was the epoch of belief, it was the epoch of incredulity, it was the season of light, it was the season of darkness, " +
  "it was the spring of hope, it was the winter of despair. We had everything before us, we had nothing before us, " +
  "we were all going direct to Heaven, we were all going direct the other way. In short, the period was so far like the " +
  "present period, that some of its noisiest authorities insisted on its being received, for good or for evil, " +
  "in the superlative degree of comparison only.";

/** Three sentences, of which the first one is heard before the others are computed: about 10 s. */
export const SHORT_TEXT =
  "The harbour was quiet that morning. Two boats came in with the tide, and nobody was there to meet them. " +
  "By noon the whole village knew why.";

/** @returns words of one that have to be inserted, removed or replaced to get the other, in hundredths of those said */
export function measureWordErrors(said: string, heard: string): number {
  const [expected, words] = [listWords(said), listWords(heard)];
  let row = expected.map((_, index) => index + 1);
  for (const [index, word] of words.entries()) {
    const next: number[] = [];
    for (const [column, wanted] of expected.entries()) {
      const diagonal = column === 0 ? index : (row[column - 1] ?? 0);
      const left = column === 0 ? index + 1 : (next[column - 1] ?? 0);
      next.push(Math.min(diagonal + (word === wanted ? 0 : 1), (row[column] ?? 0) + 1, left + 1));
    }
    row = next;
  }
  return (100 * (row.at(-1) ?? words.length)) / expected.length;
}

function listWords(text: string): readonly string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}']+/gu) ?? [];
}
