/** What a started prompt is, whatever serves it. */

import type { PromptEvent } from "@openai-compat/spec";

/** An admitted prompt. Its slot is held until `events` ends or is closed, or the call's signal aborts. */
export interface PromptRun {
  readonly id: string;
  readonly modelId: string;
  /** From the first delta to `end`. @throws AiError while iterating */
  readonly events: AsyncIterable<PromptDelta>;
}

export type PromptDelta = Exclude<PromptEvent, { type: "start" }>;
