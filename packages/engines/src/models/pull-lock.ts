/**
 * A lock between processes: a file that its holder keeps fresh. One that went stale, since its holder died, is broken
 * by the next who wants it. It keeps two pulls from doing the same work; no file is trusted for having been written
 * under it.
 */
import { randomUUID } from "node:crypto";
import { link, open, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { AiError } from "@openai-compat/core";

export interface LockSettings {
  /** How often the holder says that it lives. */
  readonly heartbeatMs: number;
  /** A lock without a sign of life for so long is broken. Several heartbeats. */
  readonly staleMs: number;
  /** How often one who waits looks. */
  readonly pollMs: number;
  /** How long one waits for a holder that lives. */
  readonly waitMsMax: number;
}

export const DEFAULT_LOCK_SETTINGS: LockSettings = {
  heartbeatMs: 5000,
  staleMs: 30_000,
  pollMs: 250,
  waitMsMax: 30 * 60_000,
};

export interface AcquireLockOptions {
  readonly path: string;
  readonly settings: LockSettings;
  readonly signal: AbortSignal | undefined;
  /** Called once when somebody else holds the lock. */
  readonly onWaiting: () => void;
}

/**
 * Waits for the lock and holds it until the result is disposed. The directory must exist.
 *
 * @throws AiError `engine_unavailable` when another process holds it for longer than `waitMsMax`
 */
export async function acquireLock(options: AcquireLockOptions): Promise<AsyncDisposable> {
  const { path, settings, signal } = options;
  const token = randomUUID();
  const deadline = performance.now() + settings.waitMsMax;
  for (let isFirst = true; !(await tryCreate(path, token)); isFirst = false) {
    signal?.throwIfAborted();
    if (await breakWhenStale(path, settings.staleMs)) continue;
    if (isFirst) options.onWaiting();
    if (performance.now() > deadline) {
      throw new AiError("engine_unavailable", "Another process is pulling this model and has not finished in time.");
    }
    await delay(settings.pollMs, undefined, signal === undefined ? {} : { signal });
  }
  const heartbeat = setInterval(() => void touch(path), settings.heartbeatMs).unref();
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(heartbeat);
      const holder = await readFile(path, "utf8").catch(() => null);
      if (holder === token) await rm(path, { force: true });
    },
  };
}

async function tryCreate(path: string, token: string): Promise<boolean> {
  try {
    await using file = await open(path, "wx");
    await file.writeFile(token);
    return true;
  } catch (error) {
    // Windows answers EPERM or EACCES while a deleted lock file is still open somewhere.
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    if (process.platform === "win32" && (await stat(path).catch(() => null)) !== null) return false;
    throw error;
  }
}

/**
 * Renames first: of several that find the lock stale, one gets it out of the way. One that comes late and has renamed
 * the fresh lock of a new holder puts it back.
 *
 * @returns whether it is worth trying again at once
 * @throws Error of the file system when the lock is stale and can't be moved
 */
async function breakWhenStale(path: string, staleMs: number): Promise<boolean> {
  const age = await ageMs(path);
  if (age === null) return true;
  if (age < staleMs) return false;
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if ((await ageMs(path)) === null) return true;
    // On Windows somebody may have it open for a moment; anywhere else waiting would not help.
    if (process.platform === "win32") return false;
    throw error;
  }
  const ageAside = await ageMs(aside);
  if (ageAside !== null && ageAside < staleMs) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
  return true;
}

async function ageMs(path: string): Promise<number | null> {
  const stats = await stat(path).catch(() => null);
  return stats === null ? null : Date.now() - stats.mtimeMs;
}

async function touch(path: string): Promise<void> {
  const now = new Date();
  await utimes(path, now, now).catch(() => undefined);
}
