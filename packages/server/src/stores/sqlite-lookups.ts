/**
 * What queries found, remembered until the database changes: every request looks its credential up, and a query with
 * the decoding of its row costs twenty times as much as a map.
 */

import type { DatabaseSync } from "node:sqlite";

/** Bounds the memory of one kind of look-ups; when it is full, all are forgotten. */
const REMEMBERED_MAX = 10_000;

export interface SqliteLookups {
  /**
   * One kind of look-up.
   *
   * @param find runs the query
   * @param isKept whether a result is remembered. Default: every one is
   */
  remember<Found>(find: (key: string) => Found, isKept?: (found: Found) => boolean): Lookup<Found>;
}

export interface Lookup<Found> {
  /** As the query would find it now: a commit of another connection is seen in the next turn of the event loop. */
  find(key: string): Found;
  /** Passes on what a write of this connection settles to. From then on queries are asked anew. */
  forgetAfter<Result>(write: Promise<Result>): Promise<Result>;
}

export function createSqliteLookups(database: DatabaseSync): SqliteLookups {
  const all: Map<string, unknown>[] = [];
  const forgetOthersWrites = watchOtherWriters(database, () => {
    for (const remembered of all) remembered.clear();
  });
  return {
    remember<Found>(find: (key: string) => Found, isKept: (found: Found) => boolean = () => true): Lookup<Found> {
      const remembered = new Map<string, Found>();
      all.push(remembered);
      return {
        find(key) {
          forgetOthersWrites();
          const known = remembered.get(key);
          if (known !== undefined) return known;
          const found = find(key);
          if (!isKept(found)) return found;
          if (remembered.size >= REMEMBERED_MAX) remembered.clear();
          remembered.set(key, found);
          return found;
        },
        forgetAfter: (write) => write.finally(() => remembered.clear()),
      };
    },
  };
}

/**
 * Returns a function that calls `onWrite` when another connection has committed since it was last asked. It looks once
 * in a turn of the event loop: what one turn serves came together, and a look costs as much as a query.
 *
 * @see https://sqlite.org/pragma.html#pragma_data_version
 */
function watchOtherWriters(database: DatabaseSync, onWrite: () => void): () => void {
  const readVersion = database.prepare("PRAGMA data_version");
  let seen = readVersion.get()?.["data_version"];
  let hasLooked = false;
  return () => {
    if (hasLooked) return;
    hasLooked = true;
    setImmediate(() => (hasLooked = false));
    const version = readVersion.get()?.["data_version"];
    if (version === seen) return;
    seen = version;
    onWrite();
  };
}
