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
  status(): readonly QueueStatus[];
}

export function createModelQueues(models: readonly RegisteredModel[]): ModelQueues {
  const queues = new Map(
    models.map((model) => [model, createModelQueue({ ...model.queue, concurrency: model.engine.limits.concurrency })]),
  );
  return {
    of(model) {
      const queue = queues.get(model);
      if (queue === undefined) throw new AiError("internal", "The model has no queue.");
      return queue;
    },
    status: () => [...queues].map(([{ id }, { running, waiting }]) => ({ modelId: id, running, waiting })),
  };
}
