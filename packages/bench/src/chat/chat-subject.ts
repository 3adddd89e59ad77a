/** What both subjects of the chat benchmark are told, so that they differ in nothing but the code measured. */

export interface ChatSubjectOptions {
  readonly modelPath: string;
  readonly sequences: number;
  /** Per sequence. */
  readonly contextTokens: number;
  readonly threads: number;
  /** Of the raw baseline; our engine has it off on a CPU, because texts then don't depend on what runs beside them. */
  readonly flashAttention: boolean;
}
