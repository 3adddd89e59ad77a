/** What a started response is, whatever serves it. */

import type { CallCheckpoint, Sampling, SchemaRelaxation } from "@openai-compat/core";
import type { AnswerEvent } from "../upstream/answer-event.ts";
import type { NativeEvent } from "./native/native-event.ts";

/** An admitted chat. Its slots are held until `events` ends or is closed, or the call's signal aborts. */
export interface ResponseRun {
  /** The id of the model that serves it, whatever the request called it. */
  readonly modelId: string;
  /** Milliseconds since the epoch. */
  readonly createdAtMs: number;
  readonly sampling: Pick<Sampling, "temperature" | "topP">;
  /** What of the request's schemas, where they are hints, is not enforced. */
  readonly relaxed: readonly SchemaRelaxation[];
  /** Parameters of the request that were not sent to an upstream. Absent: there is none. */
  readonly droppedParameters?: readonly string[];
  /** What has been used by now, and what is held for it. */
  readonly checkpoint: () => CallCheckpoint;
  /** @throws AiError while iterating */
  readonly events: AsyncIterable<RunEvent>;
}

/** Of a chat, or an upstream's own, which its builder relays. */
export type RunEvent = AnswerEvent | NativeEvent;
