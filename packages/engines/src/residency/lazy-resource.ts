/**
 * Something costly that is loaded by its first user, shared by all, and unloaded when nobody uses it or its room is
 * wanted; then the next user loads it again. It knows nothing of what it loads.
 */

import type { LoadEvent } from "@openai-compat/core";
import { SYSTEM_CLOCK } from "./clock.ts";
import type { Clock } from "./clock.ts";
import { Abandoned, HeldValue } from "./held-value.ts";
import type { Lease } from "./held-value.ts";
import type { Room } from "./model-memory.ts";

/** Without what only the owner knows of its value. */
export type ResourceEvent =
  | Exclude<LoadEvent, { type: "load-end" }>
  | Omit<Extract<LoadEvent, { type: "load-end" }>, "bytes">;

export interface LazyResource<Value> {
  /**
   * Loads on the first call; concurrent first calls share one load. The value stays until `release` is called.
   *
   * @throws what `explain` makes of a failed load, also to every call until it is tried again; what `noRoom` makes; the
   *   signal's reason
   */
  acquire(signal: AbortSignal): Promise<Lease<Value>>;
  /** Waits until every lease is back and all is unloaded, what leaves already included. A later `acquire` loads afresh. */
  close(): Promise<void>;
}

export interface LazyResourceOptions<Value> {
  /** Waits for room before a load. `leave` is called when the room is wanted back. */
  readonly reserve: (leave: () => void, signal: AbortSignal) => Promise<Room>;
  /** How long one call may wait for room. */
  readonly waitTimeMsMax: number;
  readonly noRoom: (waitedMs: number) => Error;
  readonly load: () => Promise<Value>;
  readonly unload: (value: Value) => Promise<void>;
  /** After so long without a lease it is unloaded; null: never. */
  readonly idleUnloadMs: number | null;
  /** For how long a failed load is answered from memory; doubled with each further failure in a row. */
  readonly retryDelayMs: number;
  /** Where the doubling ends. */
  readonly retryDelayMsMax: number;
  /** What callers get of a failed load, with the time until it may be tried again. */
  readonly explain: (thrown: unknown, retryAfterMs: number) => unknown;
  readonly onEvent: (event: ResourceEvent) => void;
  /** Default: the system's. */
  readonly clock?: Clock;
}

/** Beyond any delay that a limit allows. */
const DOUBLINGS_MAX = 32;

export function createLazyResource<Value>(options: LazyResourceOptions<Value>): LazyResource<Value> {
  const { clock = SYSTEM_CLOCK, onEvent } = options;
  let current: HeldValue<Value> | null = null;
  /** Take no new call, and are not unloaded yet. */
  const leaving = new Set<Promise<void>>();
  const unloading = new Set<Promise<void>>();
  let failure: { readonly thrown: unknown; readonly retryAtMs: number } | null = null;
  let failuresInARow = 0;

  function open(): HeldValue<Value> {
    const held = new HeldValue<Value>({
      ...options,
      clock,
      async load() {
        // Two of them at once would take the room twice.
        await Promise.allSettled(unloading);
        return options.load();
      },
      unload: (value) => track(unloading, options.unload(value)),
      onRetire(unloaded) {
        void track(leaving, unloaded);
        if (current === held) current = null;
      },
      onLoaded: (durationMs) => onEvent({ type: "load-end", durationMs }),
      onUnloaded: (reason, failed) => onEvent({ type: "unload", reason, failure: failed }),
    });
    held.loading.then(
      () => (failuresInARow = 0),
      (thrown: unknown) => {
        if (!(thrown instanceof Abandoned)) rememberFailure(held, thrown);
      },
    );
    return held;
  }

  function rememberFailure(held: HeldValue<Value>, thrown: unknown): void {
    if (current === held) current = null;
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
      const before = [...leaving];
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
