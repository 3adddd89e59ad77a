/** What every encoder of speech is: samples of a mono voice at 24 kHz in, bytes of a file out. */

type EncodedBytes = Uint8Array<ArrayBuffer>;

export interface SpeechEncoder {
  /** The bytes that are complete; the rest come with later samples. */
  encode(samples: Float32Array<ArrayBuffer>): EncodedBytes | Promise<EncodedBytes>;
  /** What is left. Call it once, after the last samples. */
  finish(): EncodedBytes | Promise<EncodedBytes>;
  /** Frees what the encoder holds, whether it was finished or not. */
  dispose(): void;
}
