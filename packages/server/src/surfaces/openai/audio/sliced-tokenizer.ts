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
  readonly #bytes: Uint8Array;
  readonly #slices: WorkSlices;
  #reads = 0;

  constructor(bytes: Uint8Array, slices: WorkSlices) {
    super();
    this.fileInfo = { size: bytes.length };
    this.#bytes = bytes;
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
    const available = Math.max(0, Math.min(this.#bytes.length - position, length));
    if (isSpent || (available < length && mayBeLess !== true)) throw new EndOfStreamError();
    target.set(this.#bytes.subarray(position, position + available));
    return available;
  }

  override supportsRandomAccess(): boolean {
    return true;
  }

  setPosition(position: number): void {
    this.position = position;
  }
}
