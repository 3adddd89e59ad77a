/** How long a text is, as providers charge speech. */

/**
 * Code points: an accent or an emoji of several counts as several.
 *
 * @returns 0 for what is no text
 */
export function countCharacters(text: unknown): number {
  if (typeof text !== "string") return 0;
  let pairs = 0;
  for (let at = 1; at < text.length; at += 1) {
    if (isBetween(text.charCodeAt(at), 0xdc00, 0xdfff) && isBetween(text.charCodeAt(at - 1), 0xd800, 0xdbff))
      pairs += 1;
  }
  return text.length - pairs;
}

function isBetween(value: number, least: number, most: number): boolean {
  return value >= least && value <= most;
}
