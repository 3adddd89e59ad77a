/**
 * The making of one model's engine, which may take as long as its download: started, followed and given up. It registers
 * nothing.
 */

import { AiError, toAiError } from "@openai-compat/core";
import type { UnavailableEngine } from "@openai-compat/core";
import { ConfigError } from "../config-error.ts";
import { describeThrown } from "../describe-thrown.ts";
import type { ModelConfig } from "../model-config.ts";
import type { BuildOptions, BuiltModel, ModelBuilder } from "../resolve-models.ts";
import type { Limiter } from "./limiter.ts";
import type { ModelStatus } from "./model-status.ts";

export interface ModelBuild {
  /** That it is under way, or has failed; null once the engine is there. */
  status(): ModelStatus | null;
  /** Null until it is there. */
  result(): BuiltModel | null;
  /** Stands in for the engine until it is there. */
  readonly engine: UnavailableEngine;
  /** Resolves when a download has begun, or the engine is there. @throws AiError, ConfigError why it can't be made */
  readonly begun: Promise<void>;
  /** Null where it has failed or was given up. It never rejects. */
  readonly done: Promise<BuiltModel | null>;
  /** Stops it. Its engine may be there all the same; whoever started it closes that. */
  stop(): void;
}

export interface ModelBuildOptions extends Pick<BuildOptions, "publicAddressesOnly" | "createdAtMs"> {
  readonly builder: ModelBuilder;
  /** Of downloads. */
  readonly pulls: Limiter;
  /** Called with why it has failed, for the log. */
  readonly onFailed: (thrown: unknown) => void;
}

export function startModelBuild(config: ModelConfig, options: ModelBuildOptions): ModelBuild {
  const { builder, publicAddressesOnly, createdAtMs, pulls, onFailed } = options;
  const controller = new AbortController();
  const { signal } = controller;
  const pulling = Promise.withResolvers<void>();
  let status: ModelStatus | null = { state: "loading" };
  let result: BuiltModel | null = null;

  const onProgress = (progress: number) => {
    status = { state: "pulling", progress };
    pulling.resolve();
  };
  const pull: BuildOptions["pull"] = async (entry) => {
    const pulled = await builder.pull(entry, { signal, onProgress, takeTurn: (work) => pulls.run(work, signal) });
    status = { state: "loading" };
    return pulled;
  };
  const built = builder.build(config, { signal, pull, publicAddressesOnly, createdAtMs });
  const done = built.then(
    (model) => {
      status = null;
      result = model;
      return model;
    },
    (thrown: unknown) => {
      status = { state: "failed", reason: describeFailure(thrown) };
      if (!signal.aborted) onFailed(thrown);
      return null;
    },
  );
  const begun = Promise.race([pulling.promise, built.then(() => done).then(() => {})]);
  // Not everybody waits for it.
  begun.catch(() => {});
  return {
    status: () => status,
    result: () => result,
    engine: { type: "unavailable", explain: () => explain(config.id, status), close: async () => {} },
    begun,
    done,
    stop: () => controller.abort(new AiError("cancelled", "The model was removed or replaced, or the server stops.")),
  };
}

/** Of a model that can't even be read. */
export function failedBuild(id: string, reason: string): ModelBuild {
  const status: ModelStatus = { state: "failed", reason };
  return {
    status: () => status,
    result: () => null,
    engine: { type: "unavailable", explain: () => explain(id, status), close: async () => {} },
    begun: Promise.resolve(),
    done: Promise.resolve(null),
    stop: () => {},
  };
}

const RETRY_AFTER_MS = 1000;
const PULL_RETRY_AFTER_MS = 10_000;

function explain(id: string, status: ModelStatus | null): AiError {
  if (status?.state === "pulling") {
    const percent = Math.floor(status.progress * 100);
    const message = `The model '${id}' is being downloaded: ${percent} % are there. Please try again later.`;
    return new AiError("engine_unavailable", message, { retryAfterMs: PULL_RETRY_AFTER_MS });
  }
  if (status?.state === "failed") {
    const message = `The model '${id}' can't be served: ${status.reason}`;
    return new AiError("engine_unavailable", message, { retryAfterMs: PULL_RETRY_AFTER_MS });
  }
  const message = `The model '${id}' is being prepared. Please try again in a moment.`;
  return new AiError("engine_unavailable", message, { retryAfterMs: RETRY_AFTER_MS });
}

/** For callers: what says nothing of the machine. */
function describeFailure(thrown: unknown): string {
  if (thrown instanceof AiError) return thrown.message;
  return "Its file or its settings can't be used any more; the server's log says why.";
}

/** Why a model can't be added, for the caller who named its files. */
export function explainRefusal(thrown: unknown): AiError {
  if (!(thrown instanceof ConfigError)) return toAiError(thrown);
  return new AiError("invalid_value", describeThrown(thrown), { param: "engine", cause: thrown });
}
