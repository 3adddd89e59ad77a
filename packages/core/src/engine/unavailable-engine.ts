/**
 * Stands in for the engine of a model that is registered and can't be served now: its file is being downloaded, or it
 * could not be made. Every call to the model is refused with what `explain` returns.
 */

import type { AiError } from "../ai-error.ts";

export interface UnavailableEngine {
  readonly type: "unavailable";
  /** Called for each call that is refused. */
  explain(): AiError;
  close(): Promise<void>;
}
