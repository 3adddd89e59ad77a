/** The error of a pull that no source could serve, and the description of one source's failure. */
import { AiError } from "@openai-compat/core";

/** One source that was tried, and why it did not deliver. */
export interface PullAttempt {
  readonly source: string;
  readonly reason: string;
}

const REACH_HINT =
  "Set OPENAI_COMPAT_HUB_URL to a model hub that can be reached from here, or install pip for Python 3.";
const CACHE_HINT = "Set OPENAI_COMPAT_CACHE to a directory that can be written and has room, or make room there.";

/** No source delivered the model. `attempts` holds one entry per source, in the order tried. */
export class ModelUnavailableError extends AiError {
  readonly modelId: string;
  readonly attempts: readonly PullAttempt[];

  constructor(modelId: string, attempts: readonly PullAttempt[]) {
    const tried = attempts.map((attempt) => `${attempt.source}: ${attempt.reason}`).join("; ");
    super(
      "engine_unavailable",
      `The model ${modelId} is not in the cache and could not be fetched. Tried ${tried}. ${REACH_HINT}`,
    );
    this.modelId = modelId;
    this.attempts = attempts;
  }
}

/** The cache can't take the model, so no other source would help. */
export class CacheUnusableError extends AiError {
  /** @param directory where the cache is */
  constructor(modelId: string, reason: string, directory: string) {
    super("engine_unavailable", `The model ${modelId} can't be pulled to ${directory}: ${reason}. ${CACHE_HINT}`);
  }
}

export const DISK_IS_FULL = "the disk of the cache is full";
const NOT_PERMITTED = "the cache cannot be written: permission denied";
const READ_ONLY = "the cache cannot be written: the file system is read-only";
const QUOTA_REACHED = "the cache cannot be written: the disk quota is used up";

const SYSTEM_REASONS: Readonly<Record<string, string>> = {
  ENOTFOUND: "its host name cannot be resolved",
  EAI_AGAIN: "its host name cannot be resolved at the moment",
  ECONNREFUSED: "the connection was refused",
  ECONNRESET: "the connection was reset",
  ENETUNREACH: "the network cannot be reached",
  EHOSTUNREACH: "the host cannot be reached",
  ETIMEDOUT: "the connection timed out",
  UND_ERR_CONNECT_TIMEOUT: "the connection timed out",
  ENOSPC: DISK_IS_FULL,
  EDQUOT: QUOTA_REACHED,
  EACCES: NOT_PERMITTED,
  EPERM: NOT_PERMITTED,
  EROFS: READ_ONLY,
};
const DISK_REASONS: readonly string[] = [DISK_IS_FULL, QUOTA_REACHED, NOT_PERMITTED, READ_ONLY];

/** One source's failure in a few words: no stack, no path. */
export function describeFailure(thrown: unknown): string {
  if (thrown instanceof AiError) return thrown.message;
  let deepest = "it failed for an unknown reason";
  for (let error: unknown = thrown; error instanceof Error; error = error.cause) {
    const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
    if (code !== undefined) return SYSTEM_REASONS[code] ?? `it failed with ${code}`;
    if (error.name === "TimeoutError") return "it did not answer in time";
    deepest = `it failed: ${error.message}`;
  }
  return deepest;
}

/** Whether it is the cache that failed, and not the source. */
export function isDiskFailure(thrown: unknown): boolean {
  return DISK_REASONS.includes(describeFailure(thrown));
}
