/**
 * Takes a form (`multipart/form-data`, RFC 7578) apart while it arrives. It has no emitter and no promise: it takes
 * pieces and throws at the first mistake, whatever a client has cut off. However a body is cut into pieces, the result
 * is the same. Contents of files are views of the pieces, not copies.
 */

import type { FormField } from "@openai-compat/core";
import { decodePartHead, readCharset, refuseForm } from "./part-head.ts";
import type { PartHead } from "./part-head.ts";

/** Beyond any form of the API: one file, and a few fields that may be repeated. */
export const PARTS_MAX = 100;
/** Of a field that is no file. */
export const FIELD_BYTES_MAX = 1024 * 1024;
/** Of all headers of one part, with the empty line that ends them. */
export const PART_HEAD_BYTES_MAX = 16 * 1024;
/** Spaces and tabs behind a boundary, which a gateway may have added. A line with more of them is content. */
export const PADDING_BYTES_MAX = 128;

/**
 * Lines of a part that begin like the boundary. None should (RFC 2046, section 5.1.1), and each takes a closer look.
 */
export const NEAR_BOUNDARIES_MAX = 1000;

const CRLF = Buffer.from("\r\n");
const HEAD_END = Buffer.from("\r\n\r\n");
const [CARRIAGE_RETURN, LINE_FEED, DASH, SPACE, TAB] = [0x0d, 0x0a, 0x2d, 0x20, 0x09];

export interface FormParser {
  /**
   * Takes the next piece of the body. Files are views of it, so it must not change afterwards.
   *
   * @throws AiError `invalid_request` that says what is wrong with the form; then the parser is of no more use.
   */
  push(piece: Buffer): void;
  /** @returns the fields in the order sent. @throws AiError `invalid_request` when the form is not complete. */
  end(): readonly FormField[];
}

/**
 * @param boundary as the content type of the body names it.
 * @param fileFields names of the fields that are files whatever their parts say of themselves. Of other fields, those
 *   with a file name are files.
 */
export function createFormParser(boundary: string, fileFields: readonly string[]): FormParser {
  return new Parser(boundary, fileFields);
}

interface Part {
  readonly head: PartHead;
  readonly isFile: boolean;
  readonly pieces: Buffer[];
  bytes: number;
}

class Parser implements FormParser {
  readonly #delimiter: Buffer;
  readonly #fileFields: readonly string[];
  readonly #fields: FormField[] = [];
  /** The preamble precedes the first boundary, the epilogue follows the last one; neither says anything. */
  #state: "preamble" | "head" | "content" | "epilogue" = "preamble";
  #part: Part | null = null;
  #nearBoundaries = 0;
  /** Of the content that comes, what belongs to the line before: it may be the line break of a boundary. */
  #skipBytes = CRLF.length;
  /** What can't be decided until more arrives. The preamble begins after an imagined line break. */
  readonly #held: HeldBytes;
  #isUndecided = false;
  /** How much of a head that is not complete has been searched for its end. */
  #searchedBytes = 0;

  constructor(boundary: string, fileFields: readonly string[]) {
    this.#delimiter = Buffer.from(`\r\n--${boundary}`);
    this.#fileFields = fileFields;
    this.#held = new HeldBytes(CRLF);
  }

  push(piece: Buffer): void {
    let rest = piece;
    while (rest.length > 0 && this.#state !== "epilogue") {
      if (this.#held.length > 0) {
        rest = this.#stepFromHeld(rest);
        continue;
      }
      rest = rest.subarray(this.#step(rest));
      if (!this.#isUndecided) continue;
      this.#held.append(rest);
      return;
    }
  }

  end(): readonly FormField[] {
    switch (this.#state) {
      case "epilogue":
        return this.#fields;
      case "preamble":
        throw refuseForm(
          "its boundary, as the content type names it, is not in the body, or its lines do not end with CR and LF",
        );
      case "head":
        throw refuseHead();
      case "content":
        throw refuseForm("it ends before its last boundary");
    }
  }

  /** @returns what remains of the piece, when what was held has been decided or has grown by all that was taken. */
  #stepFromHeld(piece: Buffer): Buffer {
    const before = this.#held.length;
    const taken = piece.subarray(0, this.#heldBytesMax() - before);
    const bytes = this.#held.append(taken);
    // Contents are kept, while the memory of what is held is written again.
    const used = this.#step(this.#state === "content" ? Buffer.from(bytes) : bytes);
    if (used >= before) {
      this.#held.keep(0, 0);
      return piece.subarray(used - before);
    }
    this.#held.keep(used, this.#isUndecided ? before + taken.length : before);
    return this.#isUndecided ? piece.subarray(taken.length) : piece;
  }

  /** With so many bytes everything can be decided. */
  #heldBytesMax(): number {
    return this.#state === "head" ? PART_HEAD_BYTES_MAX : this.#delimiter.length + PADDING_BYTES_MAX + CRLF.length;
  }

  /** To the next change of state, or until more is needed. @returns how many bytes are done with. */
  #step(bytes: Buffer): number {
    this.#isUndecided = false;
    return this.#state === "head" ? this.#readHead(bytes) : this.#readContent(bytes);
  }

  #readHead(bytes: Buffer): number {
    const isEmpty = bytes.subarray(0, CRLF.length).equals(CRLF);
    const end = isEmpty ? 0 : bytes.subarray(0, PART_HEAD_BYTES_MAX).indexOf(HEAD_END, this.#searchedBytes);
    if (end === -1) {
      if (bytes.length >= PART_HEAD_BYTES_MAX) throw refuseHead();
      this.#searchedBytes = Math.max(0, bytes.length - HEAD_END.length + 1);
      return this.#wait(0);
    }
    const head = decodePartHead(bytes.subarray(0, end));
    const isFile = head.fileName !== null || this.#fileFields.includes(head.name);
    this.#part = { head, isFile, pieces: [], bytes: 0 };
    this.#state = "content";
    this.#nearBoundaries = 0;
    this.#skipBytes = CRLF.length;
    return end + CRLF.length;
  }

  #readContent(bytes: Buffer): number {
    let from = 0;
    for (;;) {
      const found = bytes.indexOf(this.#delimiter, from);
      if (found === -1) {
        const end = bytes.length - countDelimiterBytes(bytes, this.#delimiter);
        this.#addContent(bytes.subarray(0, end));
        return this.#wait(end);
      }
      const line = readLineEnd(bytes, found + this.#delimiter.length);
      switch (line.type) {
        case "undecided":
          this.#addContent(bytes.subarray(0, found));
          return this.#wait(found);
        case "content":
          this.#countNearBoundary(found);
          from = found + 1;
          break;
        case "next":
        case "last":
          this.#addContent(bytes.subarray(0, found));
          this.#endPart();
          if (line.type === "last") this.#state = "epilogue";
          else this.#openHead();
          return line.end;
      }
    }
  }

  #wait(used: number): number {
    this.#isUndecided = true;
    return used;
  }

  #openHead(): void {
    if (this.#fields.length === PARTS_MAX) throw refuseForm(`it has more than ${PARTS_MAX} parts`);
    this.#state = "head";
    this.#searchedBytes = 0;
  }

  #endPart(): void {
    if (this.#part !== null) this.#fields.push(decodeField(this.#part));
    this.#part = null;
  }

  #addContent(bytes: Buffer): void {
    const content = bytes.subarray(this.#skipBytes);
    this.#skipBytes -= Math.min(this.#skipBytes, bytes.length);
    if (this.#part === null || content.length === 0) return;
    this.#part.bytes += content.length;
    checkFieldBytes(this.#part);
    this.#part.pieces.push(content);
  }

  /** @param position where it stands in bytes that have not been added to the content yet. */
  #countNearBoundary(position: number): void {
    if (this.#part !== null) checkFieldBytes(this.#part, Math.max(0, position - this.#skipBytes));
    this.#nearBoundaries += 1;
    if (this.#nearBoundaries <= NEAR_BOUNDARIES_MAX) return;
    throw refuseForm("its boundary stands in the content of a part too often");
  }
}

/** A few bytes, in memory that is written again and again. */
class HeldBytes {
  #memory: Buffer;
  length: number;

  constructor(bytes: Buffer) {
    this.#memory = Buffer.from(bytes);
    this.length = bytes.length;
  }

  /** @returns all that is held; valid until the next call. */
  append(bytes: Buffer): Buffer {
    const length = this.length + bytes.length;
    if (length > this.#memory.length) {
      const larger = Buffer.alloc(2 * length);
      this.#memory.copy(larger, 0, 0, this.length);
      this.#memory = larger;
    }
    bytes.copy(this.#memory, this.length);
    this.length = length;
    return this.#memory.subarray(0, length);
  }

  /** Drops what stands before `start` and from `end` on. */
  keep(start: number, end: number): void {
    this.#memory.copyWithin(0, start, end);
    this.length = end - start;
  }
}

type LineEnd = { readonly type: "undecided" | "content" } | { readonly type: "next" | "last"; readonly end: number };

/** What follows the boundary in its line. A line that goes on is content that only begins like one. */
function readLineEnd(bytes: Buffer, start: number): LineEnd {
  if (bytes[start] === DASH && bytes[start + 1] === DASH) return { type: "last", end: start + 2 };
  if (bytes[start] === DASH && start + 1 === bytes.length) return { type: "undecided" };
  let index = start;
  while (bytes[index] === SPACE || bytes[index] === TAB) {
    index += 1;
    if (index - start > PADDING_BYTES_MAX) return { type: "content" };
  }
  if (index === bytes.length) return { type: "undecided" };
  if (bytes[index] !== CARRIAGE_RETURN) return { type: "content" };
  if (index + 1 === bytes.length) return { type: "undecided" };
  return bytes[index + 1] === LINE_FEED ? { type: "next", end: index + 2 } : { type: "content" };
}

/** How many bytes at the end may be the beginning of the delimiter, which has one carriage return, its first byte. */
function countDelimiterBytes(bytes: Buffer, delimiter: Buffer): number {
  const tail = bytes.subarray(-(delimiter.length - 1));
  const start = tail.lastIndexOf(CARRIAGE_RETURN);
  if (start === -1) return 0;
  const begun = tail.subarray(start);
  return begun.equals(delimiter.subarray(0, begun.length)) ? begun.length : 0;
}

function decodeField({ head, isFile, pieces }: Part): FormField {
  const { name, fileName, contentType } = head;
  if (!isFile) return { name, value: decodeText(Buffer.concat(pieces), head) };
  return { name, fileName: fileName ?? "", contentType: contentType ?? "application/octet-stream", pieces };
}

function decodeText(content: Buffer, { name, contentType }: PartHead): string {
  const charset = contentType === null ? null : readCharset(contentType);
  try {
    return new TextDecoder(charset ?? "utf-8", { fatal: true }).decode(content);
  } catch (thrown) {
    throw refuseForm(
      `the field "${name}" is not text in ${charset === null ? "UTF-8" : "the charset that it names"}`,
      thrown,
    );
  }
}

function checkFieldBytes({ isFile, bytes }: Part, moreBytes = 0): void {
  if (!isFile && bytes + moreBytes > FIELD_BYTES_MAX)
    throw refuseForm(`a field has more than ${FIELD_BYTES_MAX} bytes`);
}

function refuseHead(): Error {
  return refuseForm(`the headers of a part do not end, or have more than ${PART_HEAD_BYTES_MAX} bytes`);
}
