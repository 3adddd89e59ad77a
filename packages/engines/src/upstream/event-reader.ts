/** What a kind of event stream means: the part of relaying that depends on the operation. */

import type { UsageUnits } from "@openai-compat/core";
import type { JsonRecord } from "./json-value.ts";

export interface EventReader {
  /** Whether the API ends this kind of stream with `[DONE]`. */
  readonly endsWithDone: boolean;
  /**
   * The quick way, without parsing.
   *
   * @returns the data to send on; null when the event must be read in full
   */
  readAlike(text: string): string | null;
  /**
   * @param text one event's data
   * @param value the same, parsed; it may be changed, and is then what was returned
   * @returns the data to send on; null to hide the event
   */
  read(text: string, value: JsonRecord): string | null;
  /** Of all events so far. */
  usage(): UsageUnits;
  /** Whether the stream may end here, though it didn't say that it is done. */
  isFinished(): boolean;
}
