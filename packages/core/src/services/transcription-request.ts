/** A transcription or a translation in the service's own terms. */

import type { TranscriptionEvent, TranscriptionRequest } from "../engine/transcription-engine.ts";

/** Validated, with every default applied by the surface. What is said is the caller's, and what is done the operation's. */
export interface SpokenRequest extends Omit<TranscriptionRequest, "task"> {
  /** Whether the answer is to be sent piece by piece; it changes nothing in how it is made. */
  readonly stream: boolean;
}

/** An admitted transcription. A slot of the model is held until `events` ends or is closed, or the call's signal aborts. */
export interface TranscriptionRun {
  /** The id of the model that serves the call, whatever the request called it. */
  readonly modelId: string;
  /** Of the recording, rounded up: what is charged when all of it has been heard. */
  readonly audioMs: number;
  /** As the engine's. @throws AiError while iterating, when the engine fails or the call is aborted. */
  readonly events: AsyncIterable<TranscriptionEvent>;
}
