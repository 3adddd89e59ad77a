/**
 * One load of something costly: memory is reserved for it, it is loaded, leased to many calls, and unloaded when it is
 * evicted or idle and the last lease is released. It knows nothing of the loads before or after it.
 */

import type { UnloadReason } from "@openai-compat/core";
import type { Clock } from "./clock.ts";
import type { MemoryReservation } from "./model-memory.ts";

export interface Lease<Value> {
  readonly value: Value;
  /** Calling it again changes nothing. */
  readonly release: () => void;
}

/** What is loaded, and under which conditions. */
export interface ResourceSource<Value> {
  /** Waits for memory before a load. `evict` is called when the memory is needed for another resource. */
  readonly reserve: (evict: () => void, signal: AbortSignal) => Promise<MemoryReservation>;
  /** How long one call may wait for memory. */
  readonly waitTimeMsMax: number;
  /** The error of a call that waited so long in vain. */
  readonly createTimeoutError: (waitedMs: number) => Error;
  readonly load: () => Promise<Value>;
  /** Called too when it was lost, after its last lease. */
  readonly unload: (value: Value) => Promise<void>;
  /** Resolves when the value was lost without an unload, with the reason. Default: that never happens. */
  readonly watchLoss?: (value: Value) => Promise<string>;
  /** After so long without a lease it is unloaded; null: never. */
  readonly idleUnloadMs: number | null;
}

/** The owner of an instance: its clock, and what it is called with. */
export interface InstanceOwner<Value> {
  readonly clock: Clock;
  /** Called when no further lease may be requested, with the end of the unload. */
  readonly onRetire: (unloaded: Promise<void>) => void;
  readonly onLoaded: (value: Value, durationMs: number) => void;
  /** `failure` is null when the unload succeeded. */
  readonly onUnloaded: (value: Value, end: UnloadEnd) => void;
  /** Called in place of `onUnloaded`. */
  readonly onLost: (value: Value, reason: string) => void;
}

export interface UnloadEnd {
  readonly reason: UnloadReason;
  readonly failure: { readonly thrown: unknown } | null;
}

/** No call waited for the memory any more, so nothing was loaded. */
export class Abandoned extends Error {
  override readonly name = "Abandoned";
}

export class ResourceInstance<Value> {
  /** Settles with the load. It rejects with `Abandoned` when no call waited for memory any more. */
  readonly loading: Promise<Value>;
  readonly #source: ResourceSource<Value>;
  readonly #owner: InstanceOwner<Value>;
  readonly #leases = new Set<Promise<void>>();
  readonly #abandoned = new AbortController();
  readonly #reserving: Promise<MemoryReservation>;
  #reservation: MemoryReservation | null = null;
  #loaded: { readonly value: Value } | null = null;
  #unloaded: Promise<void> | null = null;
  #isLost = false;
  #stopIdleTimer = (): void => {};

  constructor(source: ResourceSource<Value>, owner: InstanceOwner<Value>) {
    this.#source = source;
    this.#owner = owner;
    this.#reserving = this.#reserve();
    this.loading = this.#load();
    this.loading.catch(() => {});
  }

  /** @throws what the load threw; the signal's reason; the timeout error when no memory was free in time */
  async lease(signal: AbortSignal): Promise<Lease<Value>> {
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const release = () => {
      if (!this.#leases.delete(ended)) return;
      end();
      if (this.#leases.size === 0) this.#becomeIdle();
    };
    this.#leases.add(ended);
    this.#stopIdleTimer();
    this.#reservation?.markInUse();
    try {
      await this.#untilReserved(signal);
      return { value: await untilAborted(this.loading, signal), release };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Resolves when it is unloaded: after its last lease, which may still wait for the load. The first reason counts. */
  retire(reason: UnloadReason): Promise<void> {
    if (this.#unloaded !== null) return this.#unloaded;
    this.#stopIdleTimer();
    this.#unloaded = this.#unload(reason);
    this.#owner.onRetire(this.#unloaded);
    return this.#unloaded;
  }

  /** A failure is reported by `onUnloaded`; no caller waits for this promise. */
  #retireQuietly(reason: UnloadReason): void {
    this.retire(reason).catch(() => {});
  }

  async #reserve(): Promise<MemoryReservation> {
    const { signal } = this.#abandoned;
    const reservation = await this.#source.reserve(() => this.#retireQuietly("memory"), signal);
    if (signal.aborted) {
      reservation.release();
      throw signal.reason;
    }
    this.#reservation = reservation;
    return reservation;
  }

  async #load(): Promise<Value> {
    const { onLoaded, clock } = this.#owner;
    const reservation = await this.#reserving;
    const startedAtMs = clock.nowMs();
    let value: Value;
    try {
      value = await this.#source.load();
    } catch (thrown) {
      reservation.release();
      throw thrown;
    }
    this.#loaded = { value };
    onLoaded(value, clock.nowMs() - startedAtMs);
    reservation.markLoaded();
    void this.#source.watchLoss?.(value).then((reason) => this.#lose(value, reason));
    if (this.#leases.size === 0) this.#becomeIdle();
    return value;
  }

  /** Its calls fail by themselves; its memory is free already. */
  #lose(value: Value, reason: string): void {
    this.#isLost = true;
    this.#reservation?.release();
    this.#owner.onLost(value, reason);
    this.#retireQuietly("close");
  }

  /** Called when there is no lease. */
  #becomeIdle(): void {
    if (this.#reservation === null) {
      if (this.#abandoned.signal.aborted) return;
      this.#abandoned.abort(new Abandoned("No call waits for it any more."));
      this.#retireQuietly("idle");
      return;
    }
    if (this.#loaded === null) return;
    this.#reservation.markIdle();
    const { idleUnloadMs } = this.#source;
    if (this.#unloaded !== null || idleUnloadMs === null) return;
    this.#stopIdleTimer = this.#owner.clock.after(idleUnloadMs, () => this.#retireQuietly("idle"), "detached");
  }

  /** Without leases it begins at once, so that the next load finds this unload under way. */
  async #unload(reason: UnloadReason): Promise<void> {
    if (this.#loaded === null) await Promise.allSettled([this.loading]);
    while (this.#leases.size > 0) await Promise.all(this.#leases);
    if (this.#loaded === null) return;
    const { value } = this.#loaded;
    let failure: UnloadEnd["failure"] = null;
    try {
      await this.#source.unload(value);
    } catch (thrown) {
      failure = { thrown };
      throw thrown;
    } finally {
      this.#reservation?.release();
      if (!this.#isLost) this.#owner.onUnloaded(value, { reason, failure });
    }
  }

  /** Each lease has a waiting time of its own: a late call does not time out with the first one. */
  async #untilReserved(signal: AbortSignal): Promise<void> {
    if (this.#reservation !== null) return;
    const { waitTimeMsMax, createTimeoutError } = this.#source;
    const deadline = new AbortController();
    const abort = () => deadline.abort(createTimeoutError(waitTimeMsMax));
    const stop = this.#owner.clock.after(waitTimeMsMax, abort, "awaited");
    try {
      // What a reservation throws comes out of the load, which waits for it too.
      await untilAborted(Promise.allSettled([this.#reserving]), AbortSignal.any([signal, deadline.signal]));
    } finally {
      stop();
    }
  }
}

/** The promise's outcome, or a throw of the signal's reason as soon as it aborts; the promise itself goes on. */
async function untilAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
