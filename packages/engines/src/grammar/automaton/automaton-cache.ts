/** A cache of automata across schemas; the least recently used one is evicted. */

import { SchemaTooLargeError, UnsupportedSchemaError } from "../unsupported-schema-error.ts";
import type { Automaton } from "./automaton.ts";

/** Transitions of all cached automata, four bytes each. */
const TRANSITIONS_MAX = 4_000_000;
/** Size of an entry that can't be built. */
const REFUSAL_SIZE = 1000;

export interface AutomatonCache {
  /**
   * @param make called when it is not cached
   * @throws UnsupportedSchemaError what `make` throws, each time with the path of the current schema
   */
  find(key: string, path: string, make: () => Automaton): Automaton;
}

interface Kept {
  readonly value: Automaton | UnsupportedSchemaError;
  readonly size: number;
}

export function createAutomatonCache(transitionsMax = TRANSITIONS_MAX): AutomatonCache {
  const kept = new Map<string, Kept>();
  let size = 0;
  const keep = (key: string, entry: Kept): void => {
    kept.set(key, entry);
    size += entry.size;
    for (const [oldest, other] of kept) {
      if (size <= transitionsMax) return;
      kept.delete(oldest);
      size -= other.size;
    }
  };
  return {
    find(key, path, make) {
      const known = kept.get(key);
      if (known !== undefined) {
        kept.delete(key);
        size -= known.size;
      }
      const entry = known ?? tryMake(make);
      keep(key, entry);
      if (!(entry.value instanceof UnsupportedSchemaError)) return entry.value;
      const { message } = entry.value;
      throw entry.value instanceof SchemaTooLargeError
        ? new SchemaTooLargeError(path, message)
        : new UnsupportedSchemaError(path, message);
    },
  };
}

function tryMake(make: () => Automaton): Kept {
  try {
    const value = make();
    return { value, size: value.next.length + 1 };
  } catch (thrown) {
    if (thrown instanceof UnsupportedSchemaError) return { value: thrown, size: REFUSAL_SIZE };
    throw thrown;
  }
}
