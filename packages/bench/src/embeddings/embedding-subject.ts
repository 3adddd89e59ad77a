/** What both subjects of the embedding benchmark are told, so that they differ in nothing but the code measured. */

export interface EmbeddingSubjectOptions {
  readonly modelPath: string;
  /** The longest input. */
  readonly contextTokens: number;
  /** Texts that are read at once, on a context and a thread each. */
  readonly threads: number;
}
