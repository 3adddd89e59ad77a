/** The options of both subjects of the embedding benchmark, so that they differ in nothing but the code measured. */

export interface EmbeddingSubjectOptions {
  readonly modelPath: string;
  /** The longest input. */
  readonly contextTokens: number;
  /** Texts that are read at once, on a context and a thread each. */
  readonly threads: number;
}
