/**
 * The pieces of a body, and one buffer of them. How a client cuts its body is its business: a piece has memory of its
 * own that is not in its length, so small ones are put together as they arrive.
 */

import type { WorkSlices } from "@openai-compat/core";

/** Smaller pieces are copied. */
export const SMALL_PIECE_BYTES = 4096;
/** Into blocks of this size. */
const BLOCK_BYTES = 65_536;

export interface PieceJoiner {
  push(piece: Uint8Array): void;
  /** Passes on what is left. */
  end(): void;
}

/** @param onPiece called with what was pushed, in the same order. What it throws, the joiner throws. */
export function createPieceJoiner(onPiece: (piece: Buffer) => void): PieceJoiner {
  return new Joiner(onPiece);
}

/** A class, as one is made for each body. */
class Joiner implements PieceJoiner {
  readonly #onPiece: (piece: Buffer) => void;
  /** A small piece that came alone so far: most bodies are one, which needs no block. */
  #first: Uint8Array | null = null;
  #block: Buffer | null = null;
  #used = 0;

  constructor(onPiece: (piece: Buffer) => void) {
    this.#onPiece = onPiece;
  }

  push(piece: Uint8Array): void {
    if (piece.length >= SMALL_PIECE_BYTES) {
      this.end();
      this.#onPiece(asBuffer(piece));
    } else if (this.#first === null && this.#block === null) {
      this.#first = piece;
    } else {
      const first = this.#first;
      this.#first = null;
      if (first !== null) this.#copy(first);
      this.#copy(piece);
    }
  }

  end(): void {
    const joined = this.#block?.subarray(0, this.#used) ?? this.#first;
    this.#first = null;
    this.#block = null;
    this.#used = 0;
    if (joined !== null) this.#onPiece(asBuffer(joined));
  }

  #copy(piece: Uint8Array): void {
    if (this.#block !== null && this.#used + piece.length > BLOCK_BYTES) this.end();
    this.#block ??= Buffer.allocUnsafeSlow(BLOCK_BYTES);
    this.#block.set(piece, this.#used);
    this.#used += piece.length;
    giveBack(piece);
  }
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/**
 * One buffer of all pieces, made in slices. The pieces are of no use afterwards: the memory of each is given back when
 * it has been copied.
 *
 * @throws what the slices throw
 */
export async function joinPieces(pieces: readonly Uint8Array[], slices: WorkSlices): Promise<Buffer> {
  const [first = Buffer.alloc(0)] = pieces;
  if (pieces.length <= 1) return asBuffer(first);
  const joined = Buffer.allocUnsafeSlow(countBytes(pieces));
  let position = 0;
  for (const piece of pieces) {
    if (slices.isOver) await slices.next();
    joined.set(piece, position);
    position += piece.length;
    giveBack(piece);
  }
  return joined;
}

export function countBytes(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}

/** Node.js 20 can't: there the memory is given back with the next collection. */
const canGiveBack = "transfer" in ArrayBuffer.prototype;

/** A collection comes late for memory outside of the heap. Memory that other views share is left to it. */
function giveBack({ buffer, byteLength }: Uint8Array): void {
  if (canGiveBack && buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
