/**
 * The name that was probably meant by one that does not exist. The suite has its own: it imports nothing of the server.
 */

/** @returns null when none of them is close: a wrong guess is worse than none. */
export function findClosestName(given: string, names: readonly string[]): string | null {
  let closest: string | null = null;
  let distanceMin = Math.max(2, Math.floor(given.length / 3)) + 1;
  for (const name of names) {
    const distance = countEdits(given.toLowerCase(), name.toLowerCase());
    if (distance >= distanceMin) continue;
    closest = name;
    distanceMin = distance;
  }
  return closest;
}

/** Fewest insertions, removals, replacements and swaps of neighbours that make `to` of `from`. */
function countEdits(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const isSame = from[row - 1] === to[column - 1];
      const isSwap = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      current.push(
        Math.min(
          (last[column] ?? 0) + 1,
          (current[column - 1] ?? 0) + 1,
          (last[column - 1] ?? 0) + (isSame ? 0 : 1),
          isSwap ? (beforeLast[column - 2] ?? 0) + 1 : Infinity,
        ),
      );
    }
    beforeLast = last;
    last = current;
  }
  return last[to.length] ?? 0;
}
