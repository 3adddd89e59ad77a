/**
 * Generated faults that are none: the reviewed list of places where the document lets a server do so, or where nothing
 * that a client could see changes. A pattern is an id with `*` for any run of characters. Each entry says why; one that
 * matches nothing is an error.
 */

export interface Exclusion {
  readonly pattern: string;
  readonly reason: string;
}

export const LEGAL_VARIATIONS: readonly Exclusion[] = [];
