/** The queue of every model: made for its first call, and kept for as long as its engine is. */

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
  /** @throws AiError `internal` for a model without an engine */
  of(model: RegisteredModel): ModelQueue;
  /**
   * Of the turns of sessions, which have slots of their own; of an upstream's sessions, which have those of its calls.
   *
   * @throws AiError `internal` for a model that has none
   */
  ofTurns(model: RegisteredModel): ModelQueue;
  status(): readonly QueueStatus[];
}

interface QueuesOfModel {
  readonly calls: ModelQueue;
  readonly turns: ModelQueue | null;
}

/** @param listModels called for the status: the models that there are now */
export function createModelQueues(listModels: () => readonly RegisteredModel[]): ModelQueues {
  // By engine, which a model keeps when it gets another name or is made the default; several models may share one.
  const queues = new WeakMap<RegisteredModel["engine"], Map<string, QueuesOfModel>>();
  const find = (model: RegisteredModel): QueuesOfModel | null => {
    const ofEngine = queues.get(model.engine) ?? new Map<string, QueuesOfModel>();
    queues.set(model.engine, ofEngine);
    const made = ofEngine.get(model.id) ?? makeQueues(model);
    if (made !== null) ofEngine.set(model.id, made);
    return made;
  };
  return {
    of: (model) => requireQueue(find(model)?.calls ?? null),
    ofTurns: (model) => requireQueue(find(model)?.turns ?? null),
    status: () =>
      listModels().flatMap((model) => {
        const found = find(model);
        return found === null
          ? []
          : [{ modelId: model.id, running: found.calls.running, waiting: found.calls.waiting }];
      }),
  };
}

function makeQueues({ engine, queue }: RegisteredModel): QueuesOfModel | null {
  if (engine.type === "unavailable") return null;
  const calls = createModelQueue({ ...queue, concurrency: engine.limits.concurrency });
  if (engine.type === "upstream") return { calls, turns: calls };
  if (engine.type !== "transcription" || engine.live === null) return { calls, turns: null };
  // A fixed share is set for the model's calls, of which there are fewer side by side.
  return { calls, turns: createModelQueue({ ...queue, accountSlotsMax: null, concurrency: engine.live.turns }) };
}

function requireQueue(queue: ModelQueue | null): ModelQueue {
  if (queue === null) throw new AiError("internal", "The model has no queue.");
  return queue;
}
