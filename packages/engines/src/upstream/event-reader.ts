/** Reads the events of one kind of stream: the part of translation that depends on the operation. */

import type { UsageSource, UsageUnits } from "@openai-compat/core";
import type { FilledEvents } from "./chunk-template.ts";
import type { JsonRecord } from "./json-value.ts";

export interface EventReader {
  /** Whether the API ends this kind of stream with `[DONE]`. */
  readonly endsWithDone: boolean;
  /**
   * The fast path, without parsing.
   *
   * @returns the data to send on; null when the event must be read in full
   */
  tryFastPath(text: string): string | null;
  /**
   * The fast path for whole events at the start of a text that begins between two. Absent: there is none.
   *
   * @param eventLengthMax in code units; a longer event is left
   */
  readEvents?(text: string, eventLengthMax: number): FilledEvents;
  /**
   * @param text one event's data
   * @param value the same, parsed; it may be changed
   * @returns the data of the events to send on: none where it is dropped or has to wait
   * @throws UpstreamError `broken` when it says that the generation failed
   */
  read(text: string, value: JsonRecord): readonly string[];
  /**
   * Called once, when the upstream's stream is over.
   *
   * @param isDone whether the upstream said so itself
   * @returns the data of the events that the upstream left out
   * @throws UpstreamError `broken` when the answer is not complete
   */
  end(isDone: boolean): readonly string[];
  /** Whether events wait for what may come before them. Absent where none ever do. */
  holdsBack?(): boolean;
  /** @returns the data of the events that wait, which wait no longer */
  release?(): readonly string[];
  /** Of all events so far. @param isOver whether nothing more is read */
  usage(isOver: boolean): UsageUnits;
  /** Of `usage`. */
  source(): UsageSource;
  /** Whether the answer is complete, so that only its usage may still come. */
  isFinished(): boolean;
}
