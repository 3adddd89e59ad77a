/**
 * The only door to the models. Surfaces (HTTP, and whatever comes beside it) call this and nothing below it; no wire
 * object enters and none leaves.
 */

import { randomBytes } from "node:crypto";
import { AiError, toAiError } from "./ai-error.ts";
import { createModelQueue } from "./admission/model-queue.ts";
import type { ModelQueue } from "./admission/model-queue.ts";
import type { AuthorisedCall } from "./call.ts";
import type { ModelDescription, ModelRegistry, RegisteredModel } from "./models/registry.ts";
import { admit, resolveModel, runAdmitted } from "./pipeline.ts";
import type { ChatRequest, ChatRun } from "./services/chat-request.ts";
import { prepareChat, runChat } from "./services/chat-service.ts";
import { primeStream } from "./services/primed-stream.ts";

export interface AiService {
  listModels(call: AuthorisedCall): readonly ModelDescription[];
  /** @throws AiError `model_not_found` */
  retrieveModel(call: AuthorisedCall, id: string): ModelDescription;
  /**
   * Resolves once the call is admitted, so that every refusal is thrown here, before any byte of an answer.
   *
   * @throws AiError `model_not_found`, `context_length_exceeded`, `queue_full`, `queue_timeout`, `engine_unavailable`,
   *   `invalid_request`, `invalid_value`, `cancelled`, `shutting_down`
   */
  chat(call: AuthorisedCall, request: ChatRequest): Promise<ChatRun>;
  /** Refuses new calls and closes the engines; each engine lets its running generations end first. */
  close(): Promise<void>;
}

export interface AiServiceOptions {
  readonly registry: ModelRegistry;
  /** Milliseconds since the epoch. Default: the clock. */
  readonly now?: () => number;
}

export function createAiService(options: AiServiceOptions): AiService {
  const { registry } = options;
  const now = options.now ?? Date.now;
  const queues = new Map<RegisteredModel, ModelQueue>(
    registry
      .list()
      .map((model) => [model, createModelQueue({ ...model.queue, concurrency: model.engine.limits.concurrency })]),
  );
  let closing = false;

  function queueOf(model: RegisteredModel): ModelQueue {
    const queue = queues.get(model);
    if (queue === undefined) throw new AiError("internal", "The model has no queue.");
    return queue;
  }

  async function chat(call: AuthorisedCall, request: ChatRequest): Promise<ChatRun> {
    if (closing) throw new AiError("shutting_down", "The server is shutting down. Please try again in a moment.");
    const resolved = resolveModel(call, registry, { selector: request.model, type: "chat" });
    const prepared = await prepareChat(resolved.model, request, call.signal);
    const admitted = await admit(resolved, queueOf(resolved.model));
    return {
      id: `chatcmpl-${randomBytes(16).toString("hex")}`,
      createdAtMs: now(),
      modelId: admitted.model.id,
      events: await primeStream(runAdmitted(admitted, () => runChat(admitted, prepared))),
    };
  }

  return {
    listModels: () => registry.list(),
    retrieveModel: (_call, id) => registry.find(id),
    async chat(call, request) {
      try {
        return await chat(call, request);
      } catch (thrown) {
        throw toAiError(thrown, call.signal);
      }
    },
    async close() {
      closing = true;
      await Promise.all(registry.list().map((model) => model.engine.close()));
    },
  };
}
