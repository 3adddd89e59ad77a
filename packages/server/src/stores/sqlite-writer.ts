/**
 * The one way to write to a SQLite store. What is asked for in one turn of the event loop shares a transaction, because
 * a commit costs more than what is in it. Work that fails fails alone; no success is reported before the commit.
 */

import type { DatabaseSync } from "node:sqlite";
import { openDiskSync } from "./sqlite-disk-sync.ts";
import { runTransaction } from "./sqlite-transaction.ts";

export interface SqliteWriterOptions {
  readonly database: DatabaseSync;
  readonly path: string;
  /** How much work shares a transaction, during which the event loop stands still. Default: 256. */
  readonly transactionWorkMax?: number;
  /** How much work may wait; more fails at once. Default: 10,000. */
  readonly waitingMax?: number;
  /** How long work waits for other processes' writes. Default: 5000. */
  readonly busyTimeoutMs?: number;
  /** How much of the latest `write`s a loss of power may take. Default: 1000. */
  readonly unsyncedMs?: number;
}

export interface SqliteWriter {
  /**
   * Runs `work` in a transaction and resolves when it is committed. From then on no end of the process can undo it; a
   * loss of power within the next second can.
   *
   * @param work reads, writes and throws as it likes, but does not wait, and changes nothing except the database: it is
   *   run again when work beside it fails, or never when the database stays busy.
   * @throws Error what `work` threw, or why there was no commit: then nothing has changed.
   */
  write<Result>(work: () => Result): Promise<Result>;
  /** The same, and resolves only when the disk has it. */
  writeDurably<Result>(work: () => Result): Promise<Result>;
  /** Lets what waits end. The database stays open. */
  close(): Promise<void>;
}

interface Entry {
  /** @returns a function that reports the result, to call after the commit. */
  readonly run: () => () => void;
  readonly reject: (reason: unknown) => void;
  readonly isDurable: boolean;
}

/** Work that threw, as opposed to a transaction that failed. */
class WorkFailed extends Error {
  override readonly name = "WorkFailed";
  readonly index: number;

  constructor(index: number, cause: unknown) {
    super("Work in a transaction failed.", { cause });
    this.index = index;
  }
}

const DEFAULTS = { transactionWorkMax: 256, waitingMax: 10_000, busyTimeoutMs: 5000, unsyncedMs: 1000 } as const;
/** Between two tries to begin a transaction. */
const BUSY_PAUSE_MS = 3;
const SQLITE_BUSY = 5;

export function createSqliteWriter(options: SqliteWriterOptions): SqliteWriter {
  const { database, path, transactionWorkMax, waitingMax, busyTimeoutMs, unsyncedMs } = { ...DEFAULTS, ...options };
  const waiting: Entry[] = [];
  let isScheduled = false;
  let busySinceMs: number | null = null;
  /** Set once there will be no more writes: at the end, or when the disk has failed. */
  let refusal: Error | null = null;
  /** Called when nothing waits any more. */
  let onIdle: (() => void) | null = null;

  const refuseAll = (cause: unknown) => (refusal = makeDiskError(cause));
  const disk = openDiskSync({ path: `${path}-wal`, withinMs: unsyncedMs, onError: refuseAll });

  function schedule(): void {
    if (isScheduled) return;
    if (waiting.length === 0) return onIdle?.();
    isScheduled = true;
    if (busySinceMs === null) setImmediate(flush);
    else setTimeout(flush, BUSY_PAUSE_MS);
  }

  function flush(): void {
    isScheduled = false;
    const entries = waiting.slice(0, transactionWorkMax);
    try {
      const answers = runTogether(database, entries);
      waiting.splice(0, entries.length);
      busySinceMs = null;
      if (entries.every((entry) => !entry.isDurable)) disk.syncSoon();
      for (const answer of answers) answer();
    } catch (thrown) {
      takeFailure(thrown, entries);
    }
    schedule();
  }

  function takeFailure(thrown: unknown, entries: readonly Entry[]): void {
    if (isBusy(thrown)) {
      busySinceMs ??= performance.now();
      if (performance.now() - busySinceMs < busyTimeoutMs) return;
    }
    busySinceMs = null;
    const [first, count, reason] =
      thrown instanceof WorkFailed ? [thrown.index, 1, thrown.cause] : [0, entries.length, thrown];
    for (const entry of waiting.splice(first, count)) entry.reject(reason);
  }

  function enqueue<Result>(work: () => Result, isDurable: boolean): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (refusal !== null) throw refusal;
      if (waiting.length >= waitingMax) throw new Error(`More than ${waitingMax} writes wait for the store.`);
      const run = () => {
        const result = work();
        if (!isDurable) return () => resolve(result);
        return () =>
          void disk.sync().then(
            () => resolve(result),
            (cause: unknown) => reject(refuseAll(cause)),
          );
      };
      waiting.push({ run, reject, isDurable });
      schedule();
    });
  }

  return {
    write: (work) => enqueue(work, false),
    writeDurably: (work) => enqueue(work, true),
    async close() {
      refusal ??= new Error("The store is closed.");
      await new Promise<void>((resolve) => {
        onIdle = resolve;
        schedule();
      });
      await disk.close();
    },
  };
}

/** It is unknown then what the disk has, and a later successful sync would hide it. */
function makeDiskError(cause: unknown): Error {
  return new Error("The disk failed to keep what was written to the store.", { cause });
}

/** @throws WorkFailed, or what SQLite says of the transaction. Nothing has changed then. */
function runTogether(database: DatabaseSync, entries: readonly Entry[]): readonly (() => void)[] {
  return runTransaction(database, () =>
    entries.map((entry, index) => {
      try {
        return entry.run();
      } catch (thrown) {
        throw new WorkFailed(index, thrown);
      }
    }),
  );
}

/** Another process writes. The primary code stands in the lowest byte (https://sqlite.org/rescode.html). */
function isBusy(thrown: unknown): boolean {
  if (!(thrown instanceof Error && "errcode" in thrown && typeof thrown.errcode === "number")) return false;
  return (thrown.errcode & 0xff) === SQLITE_BUSY;
}
