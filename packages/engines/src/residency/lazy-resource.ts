/**
 * Something costly that is loaded by its first caller, shared by all, and unloaded when it is idle or evicted; then the
 * next caller loads it again. It knows nothing of what it loads.
 */

import type { LoadEvent } from "@openai-compat/core";
import { SYSTEM_CLOCK } from "./clock.ts";
import type { Clock } from "./clock.ts";
import { Abandoned, ResourceInstance } from "./resource-instance.ts";
import type { Lease, ResourceSource } from "./resource-instance.ts";

/** Without what only the owner knows of its value. */
export type ResourceEvent =
  | Exclude<LoadEvent, { type: "load-end" }>
  | Omit<Extract<LoadEvent, { type: "load-end" }>, "bytes">;

export interface LazyResource<Value> {
  /**
   * Loads on the first call; concurrent first calls share one load. The value stays until `release` is called.
   *
   * @throws what `explain` makes of a failed load, also to every call until it is tried again; the timeout
   *   error; the signal's reason
   */
  acquire(signal: AbortSignal): Promise<Lease<Value>>;
  /**
   * Waits until every lease is released and all is unloaded, earlier instances included. A later `acquire` loads again.
   */
  close(): Promise<void>;
}

export interface LazyResourceOptions<Value> extends ResourceSource<Value> {
  /** For how long a failed load is answered with the remembered failure; doubled with each further failure in a row. */
  readonly retryDelayMs: number;
  /** Upper bound of the doubling. */
  readonly retryDelayMsMax: number;
  /** Makes the callers' error of a failed load, with the time until it may be tried again. */
  readonly explain: (thrown: unknown, retryAfterMs: number) => unknown;
  readonly onEvent: (event: ResourceEvent) => void;
  /** Default: the system's. */
  readonly clock?: Clock;
}

/** Beyond any delay that a limit allows. */
const DOUBLINGS_MAX = 32;

export function createLazyResource<Value>(options: LazyResourceOptions<Value>): LazyResource<Value> {
  const { clock = SYSTEM_CLOCK, onEvent } = options;
  let current: ResourceInstance<Value> | null = null;
  /** Of instances that accept no new call and are not unloaded yet. */
  const retiring = new Set<Promise<void>>();
  const unloading = new Set<Promise<void>>();
  let failure: { readonly thrown: unknown; readonly retryAtMs: number } | null = null;
  let failuresInARow = 0;

  function open(): ResourceInstance<Value> {
    const source: ResourceSource<Value> = {
      ...options,
      async load() {
        // Two of them at once would take the memory twice.
        await Promise.allSettled(unloading);
        return options.load();
      },
      unload: (value) => track(unloading, options.unload(value)),
    };
    const instance = new ResourceInstance<Value>(source, {
      clock,
      onRetire(unloaded) {
        void track(retiring, unloaded);
        if (current === instance) current = null;
      },
      onLoaded: (durationMs) => onEvent({ type: "load-end", durationMs }),
      onUnloaded: (reason, failed) => onEvent({ type: "unload", reason, failure: failed }),
    });
    instance.loading.then(
      () => (failuresInARow = 0),
      (thrown: unknown) => {
        if (!(thrown instanceof Abandoned)) rememberFailure(instance, thrown);
      },
    );
    return instance;
  }

  function rememberFailure(instance: ResourceInstance<Value>, thrown: unknown): void {
    if (current === instance) current = null;
    const retryAfterMs = Math.min(options.retryDelayMs * 2 ** failuresInARow, options.retryDelayMsMax);
    failuresInARow = Math.min(failuresInARow + 1, DOUBLINGS_MAX);
    failure = { thrown, retryAtMs: clock.nowMs() + retryAfterMs };
    onEvent({ type: "load-failed", thrown, retryAfterMs });
  }

  function explain({ thrown, retryAtMs }: NonNullable<typeof failure>): unknown {
    return options.explain(thrown, Math.max(0, retryAtMs - clock.nowMs()));
  }

  return {
    async acquire(signal) {
      signal.throwIfAborted();
      if (current === null) {
        if (failure !== null && clock.nowMs() < failure.retryAtMs) throw explain(failure);
        failure = null;
        current = open();
      }
      try {
        return await current.lease(signal);
      } catch (thrown) {
        throw failure !== null && failure.thrown === thrown ? explain(failure) : thrown;
      }
    },
    async close() {
      const before = [...retiring];
      const unloaded = current?.retire("close");
      await Promise.allSettled(before);
      await unloaded;
    },
  };
}

/** In the set until it settles. */
function track(set: Set<Promise<void>>, promise: Promise<void>): Promise<void> {
  set.add(promise);
  const remove = () => void set.delete(promise);
  promise.then(remove, remove);
  return promise;
}
