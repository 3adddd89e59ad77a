/**
 * Brings what SQLite has committed onto the disk, beside the event loop. SQLite would do so itself with
 * `synchronous = FULL`, but on the event loop, at every commit; `docs/decisions` says what that costs.
 */

import { close, fdatasync, openSync } from "node:fs";
import { promisify } from "node:util";

export interface DiskSync {
  /** Resolves when everything that was committed before is on the disk. Calls at the same time share one sync. */
  sync(): Promise<void>;
  /** Sees to it that everything committed before is on the disk within `withinMs`. */
  syncSoon(): void;
  close(): Promise<void>;
}

export interface DiskSyncOptions {
  /** The write-ahead log. No lock of SQLite's lies on it, so that closing it here gives none of them up. */
  readonly path: string;
  readonly withinMs: number;
  /** Called when a sync of `syncSoon` failed. */
  readonly onError: (error: unknown) => void;
}

const syncFile = promisify(fdatasync);
const closeFile = promisify(close);

export function openDiskSync({ path, withinMs, onError }: DiskSyncOptions): DiskSync {
  const file = openSync(path, "r+");
  /** The sync that runs, whatever becomes of it; one that begins later waits for it. */
  let running: Promise<unknown> = Promise.resolve();
  /** The sync that has not begun, which covers all that is committed until it does. */
  let next: Promise<void> | null = null;
  let timer: NodeJS.Timeout | null = null;

  function sync(): Promise<void> {
    next ??= running.then(() => {
      next = null;
      const current = syncFile(file);
      running = Promise.allSettled([current]);
      return current;
    });
    return next;
  }

  return {
    sync,
    syncSoon() {
      timer ??= setTimeout(() => {
        timer = null;
        sync().catch(onError);
      }, withinMs);
    },
    async close() {
      if (timer !== null) clearTimeout(timer);
      try {
        await sync();
      } finally {
        await closeFile(file);
      }
    },
  };
}
