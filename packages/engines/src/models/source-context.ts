/** What a source is given to deliver its files. A type only. */
import type { PullOptions, PullProgress } from "./pull-options.ts";

export interface SourceContext {
  /** Where files may lie until the model is complete. */
  readonly directory: string;
  readonly pull: Pick<PullOptions, "hubUrl" | "settings" | "signal" | "environment">;
  readonly report: (phase: PullProgress["phase"], receivedBytes: number, totalBytes: number) => void;
}
