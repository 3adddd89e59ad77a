/** The queue of every model. */

import { AiError } from "../ai-error.ts";
import type { RegisteredModel } from "../models/registry.ts";
import { createModelQueue } from "./model-queue.ts";
import type { ModelQueue } from "./model-queue.ts";

export interface QueueStatus {
  readonly modelId: string;
  /** Slots that are held: by generations, or by whole calls to embedding models and upstreams. */
  readonly running: number;
  /** Calls that wait for their first slot. */
  readonly waiting: number;
}

export interface ModelQueues {
  /** @throws AiError `internal` for a model that was not there at the start */
  of(model: RegisteredModel): ModelQueue;
  /**
   * Of the turns of sessions, which have slots of their own; of an upstream's sessions, which have those of its calls.
   *
   * @throws AiError `internal` for a model that has none
   */
  ofTurns(model: RegisteredModel): ModelQueue;
  status(): readonly QueueStatus[];
}

export function createModelQueues(models: readonly RegisteredModel[]): ModelQueues {
  const queues = new Map(
    models.map((model) => [model, createModelQueue({ ...model.queue, concurrency: model.engine.limits.concurrency })]),
  );
  const turnQueues = new Map(
    models.flatMap((model) => {
      const { engine } = model;
      if (engine.type !== "transcription" || engine.live === null) return [];
      // A fixed share is set for the model's calls, of which there are fewer side by side.
      return [[model, createModelQueue({ ...model.queue, accountSlotsMax: null, concurrency: engine.live.turns })]];
    }),
  );
  return {
    of: (model) => requireQueue(queues.get(model)),
    ofTurns: (model) => requireQueue((model.engine.type === "upstream" ? queues : turnQueues).get(model)),
    status: () => [...queues].map(([{ id }, { running, waiting }]) => ({ modelId: id, running, waiting })),
  };
}

function requireQueue(queue: ModelQueue | undefined): ModelQueue {
  if (queue === undefined) throw new AiError("internal", "The model has no queue.");
  return queue;
}
