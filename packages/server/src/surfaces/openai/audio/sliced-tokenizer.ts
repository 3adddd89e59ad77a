/**
 * The bytes of a recording for its parser. A parser goes on for as long as elements follow each other, and two bytes
 * can be one: read from memory, 33 MB of them would hold the event loop for a minute. Here reads let others go, and
 * end.
 */

import type { WorkSlices } from "@openai-compat/core";
import { AbstractTokenizer, EndOfStreamError } from "strtok3";
import type { IReadChunkOptions } from "strtok3";

/** A recording of 32 MiB whose every frame has to be read takes fewer. Beyond them the file seems to end. */
export const READS_MAX = 500_000;

export class SlicedTokenizer extends AbstractTokenizer {
  readonly fileInfo: { readonly size: number };
  readonly #pieces: readonly Uint8Array[];
  /** Where each piece begins. */
  readonly #starts: readonly number[];
  readonly #slices: WorkSlices;
  #reads = 0;

  /** @param pieces of the recording, in their order. */
  constructor(pieces: readonly Uint8Array[], slices: WorkSlices) {
    super();
    let size = 0;
    this.#starts = pieces.map((piece) => (size += piece.length) - piece.length);
    this.fileInfo = { size };
    this.#pieces = pieces;
    this.#slices = slices;
  }

  async readBuffer(target: Uint8Array, options?: IReadChunkOptions): Promise<number> {
    const { position } = this.normalizeOptions(target, options);
    const length = await this.peekBuffer(target, options);
    this.position = position + length;
    return length;
  }

  async peekBuffer(target: Uint8Array, options?: IReadChunkOptions): Promise<number> {
    const { position, length, mayBeLess } = this.normalizeOptions(target, options);
    this.#reads += 1;
    const isSpent = this.#reads > READS_MAX;
    if (isSpent || this.#slices.isOver) await this.#slices.next();
    const available = Math.max(0, Math.min(this.fileInfo.size - position, length));
    if (isSpent || (available < length && mayBeLess !== true)) throw new EndOfStreamError();
    this.#copy(position, target.subarray(0, available));
    return available;
  }

  #copy(position: number, target: Uint8Array): void {
    let copied = 0;
    for (let index = this.#find(position); copied < target.length; index += 1) {
      const start = position + copied - (this.#starts[index] ?? 0);
      const bytes = this.#pieces[index]?.subarray(start, start + target.length - copied) ?? target;
      target.set(bytes, copied);
      copied += bytes.length;
    }
  }

  /** The last piece that begins at this position or before it. */
  #find(position: number): number {
    let [low, high] = [0, this.#starts.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#starts[middle] ?? 0) <= position) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  override supportsRandomAccess(): boolean {
    return true;
  }

  setPosition(position: number): void {
    this.position = position;
  }
}
