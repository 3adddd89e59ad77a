/** Opens a SQLite file that only its owner can read, up to date and ready for several processes at once. */

import { chmodSync, closeSync, openSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import type * as sqliteModule from "node:sqlite";
import { migrate } from "./sqlite-migrations.ts";

/** How long the start waits for other processes' writes. */
const OPENING_TIMEOUT_MS = 5000;
/** How long a statement may stand still for another process. The event loop stands still with it. */
const STATEMENT_TIMEOUT_MS = 5;
/**
 * How far the write-ahead log grows before a commit brings it into the database, in pages of 4 KiB. That commit waits
 * for the disk twice, and the event loop with it: with SQLite's own 1,000 pages it is one of 125 paid calls, with these
 * one of 1,000.
 */
export const LOG_PAGES_MAX = 8192;
const OWNER_ONLY = 0o600;

/**
 * @param path a file, made when it is not there.
 * @throws Error when it can't be opened, is of a later version, or this Node.js has no SQLite (before 22.13).
 */
export function openSqliteDatabase(path: string): DatabaseSync {
  const sqlite: typeof sqliteModule | undefined = process.getBuiltinModule("node:sqlite");
  if (sqlite === undefined) {
    throw new Error(
      `Node.js ${process.versions.node} has no SQLite. Use Node.js 22.13 or later, or a store in memory ("store": "memory").`,
    );
  }
  restrictToOwner(path);
  const database = new sqlite.DatabaseSync(path, { timeout: OPENING_TIMEOUT_MS });
  try {
    // NORMAL: a commit is safe from every end of the process, and `sqlite-disk-sync.ts` keeps it from a loss of power.
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
    database.exec(`PRAGMA wal_autocheckpoint = ${LOG_PAGES_MAX}`);
    migrate(database);
    database.exec(`PRAGMA busy_timeout = ${STATEMENT_TIMEOUT_MS}`);
  } catch (thrown) {
    database.close();
    throw thrown;
  }
  return database;
}

/** SQLite gives its side files the mode of the main one, so it is enough that this one is right from the start. */
function restrictToOwner(path: string): void {
  closeSync(openSync(path, "a", OWNER_ONLY));
  chmodSync(path, OWNER_ONLY);
}
