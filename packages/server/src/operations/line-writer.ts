/**
 * Writes lines to an open file off the event loop, many at once, and the rest when the process ends: also of one whose
 * reader has gone, which must not wait for it.
 */

import { write, writeSync } from "node:fs";

/** Lines that wait for a slow reader; beyond them new ones are dropped, because a log must not eat the memory. */
const WAITING_CHARACTERS_MAX = 8 * 1024 * 1024;
/** Lines are written together, because a write costs more than a hundred lines; on a busy server these are as many. */
const BATCH_CHARACTERS = 65_536;
/** For a batch that does not fill, and before a reader that was too slow is tried again. */
const BATCH_MS_MAX = 100;

/** @param descriptor stays open. @returns a function that never throws; after the first error it writes nothing. */
export function createLineWriter(descriptor: number): (line: string) => void {
  let waiting = "";
  /** What a write under way has not written yet. */
  let unwritten: Buffer = Buffer.alloc(0);
  let isOpen = true;
  let timer: NodeJS.Timeout | null = null;

  const flush = (): void => {
    timer = null;
    if (unwritten.length === 0) {
      unwritten = Buffer.from(waiting);
      waiting = "";
    }
    if (unwritten.length > 0) write(descriptor, unwritten, onWritten);
  };
  const flushSoon = (): void => void (timer ??= setTimeout(flush, BATCH_MS_MAX).unref());
  const onWritten = (error: NodeJS.ErrnoException | null, count: number): void => {
    if (error !== null && error.code !== "EAGAIN") {
      // The reader of the log may exit. There is no log to report that in, and the server goes on.
      isOpen = false;
      return;
    }
    unwritten = unwritten.subarray(count);
    if (error !== null) flushSoon();
    else if (unwritten.length > 0 || waiting.length >= BATCH_CHARACTERS) flush();
    else if (waiting !== "") flushSoon();
  };
  // A write under way may have been done: lines that come twice are better than the last ones lost.
  process.once("exit", () => {
    if (isOpen) writeRest(descriptor, Buffer.concat([unwritten, Buffer.from(waiting)]));
  });
  return (line) => {
    if (!isOpen || waiting.length + line.length > WAITING_CHARACTERS_MAX) return;
    waiting += line;
    const isIdle = unwritten.length === 0;
    if (isIdle && waiting.length >= BATCH_CHARACTERS) flush();
    else if (isIdle) flushSoon();
  };
}

/** A slow reader or a closed pipe does not keep the process alive. */
function writeRest(descriptor: number, rest: Buffer): void {
  try {
    for (let from = 0; from < rest.length;) from += writeSync(descriptor, rest, from);
  } catch {
    // The log can't say that it can't be written.
  }
}
