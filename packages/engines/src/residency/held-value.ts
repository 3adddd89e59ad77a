/**
 * One life of something costly: room is made for it, it is loaded, leased to many, and unloaded when it has to go and the
 * last lease is back. It knows nothing of the life before or after.
 */

import type { UnloadReason } from "@openai-compat/core";
import type { Clock } from "./clock.ts";
import type { Room } from "./model-memory.ts";
import { untilAborted } from "./until-aborted.ts";

export interface Lease<Value> {
  readonly value: Value;
  /** Gives it back; calling it again changes nothing. */
  readonly release: () => void;
}

export interface HeldValueOptions<Value> {
  /** Waits for room. `leave` is called when the room is wanted back. */
  readonly reserve: (leave: () => void, signal: AbortSignal) => Promise<Room>;
  /** How long one lease may wait for room. */
  readonly waitTimeMsMax: number;
  /** What such a lease gets when it waited in vain. */
  readonly noRoom: (waitedMs: number) => Error;
  readonly load: () => Promise<Value>;
  readonly unload: (value: Value) => Promise<void>;
  /** After so long without a lease it is unloaded; null: never. */
  readonly idleUnloadMs: number | null;
  readonly clock: Clock;
  /** From now on no lease may be asked for. */
  readonly onRetire: (unloaded: Promise<void>) => void;
  readonly onLoaded: (durationMs: number) => void;
  /** `failure` is null when all went well. */
  readonly onUnloaded: (reason: UnloadReason, failure: { readonly thrown: unknown } | null) => void;
}

/** Nobody waits for the room any more, so nothing was loaded. */
export class Abandoned extends Error {
  override readonly name = "Abandoned";
}

export class HeldValue<Value> {
  /** Settles with the load. It rejects with `Abandoned` when nobody waited for room any more. */
  readonly loading: Promise<Value>;
  readonly #options: HeldValueOptions<Value>;
  readonly #leases = new Set<Promise<void>>();
  readonly #abandoned = new AbortController();
  readonly #reserving: Promise<Room>;
  #room: Room | null = null;
  #loaded: { readonly value: Value } | null = null;
  #unloaded: Promise<void> | null = null;
  #stopIdleTimer = (): void => {};

  constructor(options: HeldValueOptions<Value>) {
    this.#options = options;
    this.#reserving = this.#reserve();
    this.loading = this.#load();
    this.loading.catch(() => {});
  }

  /** @throws what the load threw; the signal's reason; what `noRoom` makes when no room was free in time */
  async lease(signal: AbortSignal): Promise<Lease<Value>> {
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const release = () => {
      if (!this.#leases.delete(ended)) return;
      end();
      if (this.#leases.size === 0) this.#rest();
    };
    this.#leases.add(ended);
    this.#stopIdleTimer();
    this.#room?.use();
    try {
      await this.#untilRoom(signal);
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
    this.#options.onRetire(this.#unloaded);
    return this.#unloaded;
  }

  /** `onUnloaded` tells of a failure; nobody waits for this promise. */
  #retireQuietly(reason: UnloadReason): void {
    this.retire(reason).catch(() => {});
  }

  async #reserve(): Promise<Room> {
    const { signal } = this.#abandoned;
    const room = await this.#options.reserve(() => this.#retireQuietly("memory"), signal);
    if (signal.aborted) {
      room.free();
      throw signal.reason;
    }
    this.#room = room;
    return room;
  }

  async #load(): Promise<Value> {
    const { load, onLoaded, clock } = this.#options;
    const room = await this.#reserving;
    const startedAtMs = clock.nowMs();
    let value: Value;
    try {
      value = await load();
    } catch (thrown) {
      room.free();
      throw thrown;
    }
    this.#loaded = { value };
    onLoaded(clock.nowMs() - startedAtMs);
    room.ready();
    if (this.#leases.size === 0) this.#rest();
    return value;
  }

  /** Called when there is no lease. */
  #rest(): void {
    if (this.#room === null) {
      if (this.#abandoned.signal.aborted) return;
      this.#abandoned.abort(new Abandoned("Nobody waits for it any more."));
      this.#retireQuietly("idle");
      return;
    }
    if (this.#loaded === null) return;
    this.#room.rest();
    const { idleUnloadMs, clock } = this.#options;
    if (this.#unloaded !== null || idleUnloadMs === null) return;
    this.#stopIdleTimer = clock.after(idleUnloadMs, () => this.#retireQuietly("idle"), "detached");
  }

  /** Without leases it begins at once, so that who loads the next one finds this one on its way out. */
  async #unload(reason: UnloadReason): Promise<void> {
    if (this.#loaded === null) await Promise.allSettled([this.loading]);
    while (this.#leases.size > 0) await Promise.all(this.#leases);
    if (this.#loaded === null) return;
    let failure: { readonly thrown: unknown } | null = null;
    try {
      await this.#options.unload(this.#loaded.value);
    } catch (thrown) {
      failure = { thrown };
      throw thrown;
    } finally {
      this.#room?.free();
      this.#options.onUnloaded(reason, failure);
    }
  }

  /** Each lease has its own time: who comes late does not leave with who came first. */
  async #untilRoom(signal: AbortSignal): Promise<void> {
    if (this.#room !== null) return;
    const { waitTimeMsMax, noRoom, clock } = this.#options;
    const deadline = new AbortController();
    const stop = clock.after(waitTimeMsMax, () => deadline.abort(noRoom(waitTimeMsMax)), "awaited");
    try {
      // What a reservation throws comes out of the load, which waits for it too.
      await untilAborted(Promise.allSettled([this.#reserving]), AbortSignal.any([signal, deadline.signal]));
    } finally {
      stop();
    }
  }
}
