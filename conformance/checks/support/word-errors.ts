/** How far two texts are apart, in words. Nothing here judges. */

function splitWords(text: string): readonly string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}']+/gu) ?? [];
}

/** Of the words that are said, where a model has to understand them. */
export const WORD_ERRORS_MAX = 0.4;

/** Words that were replaced, left out or added, for each word that was said. */
export function measureWordErrors(said: string, heard: string): number {
  return countWordErrors(said, heard) / Math.max(1, splitWords(said).length);
}

/** Words that were replaced, left out or added. */
export function countWordErrors(said: string, heard: string): number {
  const [wanted, found] = [splitWords(said), splitWords(heard)];
  let previous = Array.from({ length: found.length + 1 }, (_, index) => index);
  for (const [row, word] of wanted.entries()) {
    const current = [row + 1];
    for (const [column, other] of found.entries()) {
      const replaced = (previous[column] ?? 0) + (word === other ? 0 : 1);
      current.push(Math.min(replaced, (previous[column + 1] ?? 0) + 1, (current[column] ?? 0) + 1));
    }
    previous = current;
  }
  return previous.at(-1) ?? 0;
}
