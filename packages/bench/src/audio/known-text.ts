/** A text that is spoken, heard and compared with what was heard. It is in the public domain. */

/**
 * The opening of "Moby-Dick", Herman Melville, 1851: about 45 s of speech. Texts that repeat themselves, as that of "A
 * Tale of Two Cities", make Whisper take speech for a loop and sample it again, which is another measurement.
 */
export const KNOWN_TEXT =
  "Call me Ishmael. Some years ago, never mind how long precisely, having little or no money in my purse, and nothing " +
  "particular to interest me on shore, I thought I would sail about a little and see the watery part of the world. " +
  "It is a way I have of driving off the spleen and regulating the circulation. Whenever I find myself growing grim " +
  "about the mouth, whenever it is a damp, drizzly November in my soul, I account it high time to get to sea as soon as " +
  "I can. This is my substitute for pistol and ball. With a philosophical flourish Cato throws himself upon his sword; " +
  "I quietly take to the ship. There is nothing surprising in this. If they but knew it, almost all men in their degree, " +
  "some time or other, cherish very nearly the same feelings towards the ocean with me.";

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
