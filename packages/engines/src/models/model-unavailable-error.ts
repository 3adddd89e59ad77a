/** The error of a pull that no source could serve, and the words in which one source's failure is told. */
import { AiError } from "@openai-compat/core";

/** One source that was tried, and why it did not deliver. */
export interface PullAttempt {
  readonly source: string;
  readonly reason: string;
}

/** No source delivered the model. `attempts` holds one entry per source, in the order tried. */
export class ModelUnavailableError extends AiError {
  readonly modelId: string;
  readonly attempts: readonly PullAttempt[];

  constructor(modelId: string, attempts: readonly PullAttempt[]) {
    const tried = attempts.map((attempt) => `${attempt.source}: ${attempt.reason}`).join("; ");
    super(
      "engine_unavailable",
      `The model ${modelId} is not in the cache and could not be fetched. Tried ${tried}. ` +
        "Set OPENAI_COMPAT_HUB_URL to a model hub that can be reached from here, or install pip for Python 3.",
    );
    this.modelId = modelId;
    this.attempts = attempts;
  }
}

const SYSTEM_REASONS: Readonly<Record<string, string>> = {
  ENOTFOUND: "its host name cannot be resolved",
  EAI_AGAIN: "its host name cannot be resolved at the moment",
  ECONNREFUSED: "the connection was refused",
  ECONNRESET: "the connection was reset",
  ENETUNREACH: "the network cannot be reached",
  EHOSTUNREACH: "the host cannot be reached",
  ETIMEDOUT: "the connection timed out",
  UND_ERR_CONNECT_TIMEOUT: "the connection timed out",
  ENOSPC: "the disk of the cache is full",
  EACCES: "the cache cannot be written: permission denied",
  EROFS: "the cache cannot be written: the file system is read-only",
};

/** One source's failure in a few words: no stack, no path. */
export function describeFailure(thrown: unknown): string {
  if (thrown instanceof AiError) return thrown.message;
  let deepest = "it failed for an unknown reason";
  for (let error: unknown = thrown; error instanceof Error; error = error.cause) {
    const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
    if (code !== undefined) return SYSTEM_REASONS[code] ?? `it failed with ${code}`;
    deepest = `it failed: ${error.message}`;
  }
  return deepest;
}
