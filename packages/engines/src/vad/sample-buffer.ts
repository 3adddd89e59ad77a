/** The samples of audio from a certain one on, which moves; appending and forgetting copy few of them. */

export class SampleBuffer {
  #samples = new Float32Array(0);
  #start = 0;
  #length = 0;
  #from = 0;

  /** The first sample that is held, from the start of the audio. */
  get from(): number {
    return this.#from;
  }

  /** The first one that has not come yet. */
  get end(): number {
    return this.#from + this.#length;
  }

  append(samples: Float32Array): void {
    const length = this.#length + samples.length;
    if (this.#start + length > this.#samples.length) {
      const room = length > this.#samples.length / 2 ? new Float32Array(2 * length) : this.#samples;
      const held = this.#samples.subarray(this.#start, this.#start + this.#length);
      room.set(held);
      this.#samples = room;
      this.#start = 0;
    }
    this.#samples.set(samples, this.#start + this.#length);
    this.#length = length;
  }

  /** A copy of what lies between two samples, both of them held. */
  slice(from: number, to: number): Float32Array {
    const start = this.#start - this.#from;
    return this.#samples.slice(start + from, start + to);
  }

  /** Forgets what comes before a sample that is held. */
  drop(sample: number): void {
    this.#start += sample - this.#from;
    this.#length -= sample - this.#from;
    this.#from = sample;
    // What was a long part is not kept for a short one.
    if (this.#length * 8 < this.#samples.length) {
      this.#samples = this.#samples.slice(this.#start, this.#start + this.#length);
      this.#start = 0;
    }
  }
}
