/**
 * Something costly that is loaded by its first caller, shared by all, and unloaded when it is idle or evicted; then the
 * next caller loads it again. It knows nothing of what it loads.
 */

import type { LoadEvent } from "@openai-compat/core";
import { SYSTEM_CLOCK } from "./clock.ts";
import type { Clock } from "./clock.ts";
import { createLoadRetries } from "./load-retries.ts";
import type { LoadRetriesOptions } from "./load-retries.ts";
import { Abandoned, ResourceInstance } from "./resource-instance.ts";
import type { Lease, ResourceSource, UnloadEnd } from "./resource-instance.ts";

/** With the value that was loaded, unloaded or lost. */
export type ResourceEvent<Value> =
  | { readonly type: "load-end"; readonly value: Value; readonly durationMs: number }
  | Extract<LoadEvent, { type: "load-failed" }>
  | ({ readonly type: "unload"; readonly value: Value } & UnloadEnd)
  | { readonly type: "lost"; readonly value: Value; readonly reason: string; readonly retryAfterMs: number };

export interface LazyResource<Value> {
  /**
   * Loads on the first call; concurrent first calls share one load. The value stays until `release` is called.
   *
   * @throws what `explain` makes of a failed load, also to every call until it is tried again; the timeout
   *   error; the signal's reason
   */
  acquire(signal: AbortSignal): Promise<Lease<Value>>;
  /** The value has done its work: that others were lost before it counts no more. */
  confirm(): void;
  /**
   * Waits until every lease is released and all is unloaded, earlier instances included; that an unload failed is reported by `onEvent` alone. A
   * later `acquire` loads again.
   */
  close(): Promise<void>;
}

export interface LazyResourceOptions<Value> extends ResourceSource<Value>, LoadRetriesOptions {
  /**
   * Makes what callers get, while a load has to wait, after losses in a row. The first loss is followed by a load at once; a further one,
   * with nothing confirmed in between, by the delays of failed loads.
   */
  readonly createLossError: (reason: string) => Error;
  /** Makes the callers' error of a failed load, with the time until it may be tried again. */
  readonly explain: (thrown: unknown, retryAfterMs: number) => unknown;
  readonly onEvent: (event: ResourceEvent<Value>) => void;
  /** Default: the system's. */
  readonly clock?: Clock;
}

export function createLazyResource<Value>(options: LazyResourceOptions<Value>): LazyResource<Value> {
  const { clock = SYSTEM_CLOCK, onEvent, explain, createLossError } = options;
  let current: ResourceInstance<Value> | null = null;
  /** Of instances that accept no new call and are not unloaded yet. */
  const retiring = new Set<Promise<void>>();
  const unloading = new Set<Promise<void>>();
  const retries = createLoadRetries(options, clock);

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
      onLoaded: (value, durationMs) => onEvent({ type: "load-end", value, durationMs }),
      onUnloaded: (value, end) => onEvent({ type: "unload", value, ...end }),
      onLost: (value, reason) =>
        onEvent({ type: "lost", value, reason, retryAfterMs: retries.rememberLoss(createLossError(reason)) }),
    });
    instance.loading.then(
      () => retries.forgetFailures(),
      (thrown: unknown) => {
        if (thrown instanceof Abandoned) return;
        if (current === instance) current = null;
        onEvent({ type: "load-failed", thrown, retryAfterMs: retries.rememberFailure(thrown) });
      },
    );
    return instance;
  }

  return {
    async acquire(signal) {
      signal.throwIfAborted();
      if (current === null) {
        const failure = retries.read();
        if (failure !== null) throw explain(failure.thrown, failure.retryAfterMs);
        current = open();
      }
      try {
        return await current.lease(signal);
      } catch (thrown) {
        const retryAfterMs = retries.findDelayMs(thrown);
        throw retryAfterMs === null ? thrown : explain(thrown, retryAfterMs);
      }
    },
    confirm: () => retries.forgetLosses(),
    async close() {
      const before = [...retiring];
      const unloaded = current?.retire("close");
      await Promise.allSettled([...before, unloaded]);
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
