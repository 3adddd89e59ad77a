/** `Array.prototype.map` for lists of any length, in slices: each element is a short step, and all of them may be long. */

import type { WorkSlices } from "./work-slices.ts";

/** @throws what `map` and `slices` throw */
export async function mapInSlices<Element, Mapped>(
  elements: readonly Element[],
  map: (element: Element) => Mapped,
  slices: WorkSlices,
): Promise<Mapped[]> {
  const mapped: Mapped[] = [];
  for (const element of elements) {
    if (slices.isOver) await slices.next();
    mapped.push(map(element));
  }
  return mapped;
}
