/** A transaction of SQLite: all of it or nothing. */

import type { DatabaseSync } from "node:sqlite";

/**
 * There is no other writer from its first statement to its last; what `work` reads stays valid.
 *
 * @throws what `work` threw, or what SQLite says of the transaction. Nothing has changed then.
 */
export function runTransaction<Result>(database: DatabaseSync, work: () => Result): Result {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    database.exec("COMMIT");
    return result;
  } catch (thrown) {
    rollBack(database, thrown);
    throw thrown;
  }
}

function rollBack(database: DatabaseSync, reason: unknown): void {
  try {
    database.exec("ROLLBACK");
  } catch (thrown) {
    // SQLite has rolled back already where the disk is full or fails, and then there is nothing to roll back.
    throw new AggregateError([reason, thrown], "The store could not write.", { cause: thrown });
  }
}
