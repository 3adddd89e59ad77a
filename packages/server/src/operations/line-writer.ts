/**
 * Writes lines to an open file off the event loop, many at once, and the rest when the process ends: also of one whose
 * reader has gone, which must not wait for it.
 */

import { write as writeToFile, writeSync } from "node:fs";

/** Lines that wait for a slow reader; beyond them new ones are dropped, because a log must not eat the memory. */
const WAITING_CHARACTERS_MAX = 8 * 1024 * 1024;
/** Lines are written together, because a write costs more than a hundred lines; on a busy server these are as many. */
const BATCH_CHARACTERS = 65_536;
/** For a batch that does not fill, and before a reader that was too slow is tried again. */
const BATCH_MS_MAX = 100;

/** A reader that is too slow, and a disk that is full: both may have room later. */
const PASSING_ERRORS: ReadonlySet<string | undefined> = new Set(["EAGAIN", "ENOSPC", "EDQUOT"]);

/** Calls back with an error, or with how many of the bytes were written. */
export type WriteBytes = (
  descriptor: number,
  bytes: Buffer,
  done: (error: NodeJS.ErrnoException | null, count: number) => void,
) => void;

/**
 * @param descriptor stays open.
 * @param write default: to the file.
 * @returns a function that never throws; after an error that lasts it writes nothing.
 */
export function createLineWriter(descriptor: number, write: WriteBytes = writeToFile): (line: string) => void {
  let waiting = "";
  /** What the write under way, or a later one, has to write before anything else. */
  let unwritten: Buffer = Buffer.alloc(0);
  let isWriting = false;
  let isOpen = true;
  let timer: NodeJS.Timeout | null = null;

  const flush = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (unwritten.length === 0) {
      unwritten = Buffer.from(waiting);
      waiting = "";
    }
    if (unwritten.length === 0) return;
    isWriting = true;
    write(descriptor, unwritten, onWritten);
  };
  const flushSoon = (): void => void (timer ??= setTimeout(flush, BATCH_MS_MAX).unref());
  const onWritten = (error: NodeJS.ErrnoException | null, count: number): void => {
    isWriting = false;
    if (error !== null && !PASSING_ERRORS.has(error.code)) {
      // The reader of the log may exit. There is no log to report that in, and the server goes on.
      isOpen = false;
      waiting = "";
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
    // Never two writes at once: what is written next is decided when the one under way has ended.
    if (isWriting) return;
    if (unwritten.length === 0 && waiting.length >= BATCH_CHARACTERS) flush();
    else flushSoon();
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
