/**
 * A file on its way to the process that decodes it, in parts. As one message it would be in memory once more, and
 * nothing else would happen in the server while it is written.
 */

/** Writing one takes a few milliseconds. */
export const PART_BYTES = 1024 * 1024;

export interface FilePart {
  /** Where it begins in the file. */
  readonly start: number;
  readonly bytes: Uint8Array;
  /** Of the whole file. */
  readonly fileBytes: number;
}

/** In their order; one at least. */
export function* listParts(file: Uint8Array): Generator<FilePart, void> {
  let start = 0;
  do {
    yield { start, bytes: file.subarray(start, start + PART_BYTES), fileBytes: file.length };
    start += PART_BYTES;
  } while (start < file.length);
}

export interface FileReceiver {
  /** The first part of a file replaces what was received of another one. */
  receive(part: FilePart): void;
  /** @returns the file, once. */
  take(): Uint8Array;
}

export function createFileReceiver(): FileReceiver {
  let file = new Uint8Array();
  return {
    receive({ start, bytes, fileBytes }) {
      if (start === 0) file = new Uint8Array(fileBytes);
      file.set(bytes, start);
    },
    take() {
      const taken = file;
      file = new Uint8Array();
      return taken;
    },
  };
}
