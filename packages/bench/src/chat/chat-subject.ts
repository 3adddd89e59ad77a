/** What both subjects of the chat benchmark are told, so that they differ in nothing but the code measured. */

export interface ChatSubjectOptions {
  readonly modelPath: string;
  readonly sequences: number;
  /** Per sequence. */
  readonly contextTokens: number;
  readonly threads: number;
}
