/**
 * Keys and values of the tokens that a decoder has read, for each of its layers. Every token of every text has a row,
 * which stays where it is: a text is the list of its rows. The runtime copies what it gives to JavaScript, so that a
 * step gives the rows of its own tokens alone.
 */

import type { OnnxModule, OnnxTensor } from "../onnx/onnx-runtime.ts";
import type { WhisperConfig } from "./whisper-config.ts";

/** Rows that there is room for at first: a prompt and some thirty tokens of five texts. */
const ROWS_MIN = 192;

export class TextCache {
  readonly #runtime: OnnxModule;
  readonly #heads: number;
  readonly #headWidth: number;
  readonly #buffers = new Map<string, Float32Array>();
  #capacity = ROWS_MIN;
  #rowCount = 0;
  /** Of each text. */
  #rows: readonly Int32Array[] = [new Int32Array(0)];

  constructor(runtime: OnnxModule, { heads, width, decoderLayers }: WhisperConfig) {
    this.#runtime = runtime;
    this.#heads = heads;
    this.#headWidth = width / heads;
    for (let layer = 0; layer < decoderLayers; layer += 1) {
      for (const kind of ["k", "v"]) this.#buffers.set(`${kind}_${layer}`, new Float32Array(ROWS_MIN * width));
    }
  }

  /** Of each text, in tokens. */
  get length(): number {
    return this.#rows[0]?.length ?? 0;
  }

  /** Names of the decoder's outputs that `append` takes. */
  get outputs(): readonly string[] {
    return [...this.#buffers.keys()].map((name) => `new_${name}`);
  }

  /** What the decoder reads. @param parents which text each of the step's texts continues */
  describePast(parents: readonly number[]): Readonly<Record<string, OnnxTensor>> {
    const heads = this.#heads;
    const { length } = this;
    const index = new Int32Array(parents.length * heads * length);
    for (const [text, parent] of parents.entries()) {
      const rows = this.#rows[parent] ?? new Int32Array(0);
      for (let head = 0; head < heads; head += 1) {
        const start = (text * heads + head) * length;
        for (const [at, row] of rows.entries()) index[start + at] = row * heads + head;
      }
    }
    const shape = [this.#capacity * heads, this.#headWidth];
    const caches = [...this.#buffers].map(
      ([name, buffer]) => [name, new this.#runtime.Tensor("float32", buffer, shape)] as const,
    );
    return {
      past: new this.#runtime.Tensor("int32", index, [parents.length, heads, length]),
      ...Object.fromEntries(caches),
    };
  }

  /**
   * Each text has grown by as many tokens.
   *
   * @param read gives a decoder's output: [texts, count, width]
   */
  append(parents: readonly number[], count: number, read: (name: string) => Float32Array): void {
    const first = this.#rowCount;
    this.#rowCount += parents.length * count;
    this.#makeRoom();
    const width = this.#heads * this.#headWidth;
    for (const [name, buffer] of this.#buffers) buffer.set(read(`new_${name}`), first * width);
    this.#rows = parents.map((parent, text) => {
      const before = this.#rows[parent] ?? new Int32Array(0);
      const rows = new Int32Array(before.length + count);
      rows.set(before);
      for (let index = 0; index < count; index += 1) rows[before.length + index] = first + text * count + index;
      return rows;
    });
  }

  #makeRoom(): void {
    if (this.#rowCount <= this.#capacity) return;
    this.#capacity = 2 * this.#rowCount;
    for (const [name, before] of this.#buffers) {
      const buffer = new Float32Array(this.#capacity * this.#heads * this.#headWidth);
      buffer.set(before);
      this.#buffers.set(name, buffer);
    }
  }
}
