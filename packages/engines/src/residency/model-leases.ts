/**
 * Leases of a model by id: a call of several generations keeps it between them, also one that asks from another process and
 * holds nothing but the id.
 */

import { randomUUID } from "node:crypto";
import type { ModelLeases } from "@openai-compat/core";
import type { LazyResource } from "./lazy-resource.ts";

export interface LeasedValue<Value> {
  readonly value: Value;
  /** The same for all that is acquired with one lease. */
  readonly call: object;
  /** Calling it again changes nothing. */
  readonly release: () => void;
}

export interface ResourceLeases<Value> extends ModelLeases {
  /** What the lease holds; without one, or with one that has ended, as the resource's own. */
  acquire(leaseId: string | null, signal: AbortSignal): Promise<LeasedValue<Value>>;
  /** Ends all leases. What was acquired with them stays until it is released. */
  close(): void;
}

interface Held<Value> {
  readonly value: Value;
  /** The lease itself, and what was acquired with it. */
  users: number;
  readonly free: () => void;
  /** Forgets the call's signal. */
  readonly unwatch: () => void;
}

export function createModelLeases<Value>(resource: Pick<LazyResource<Value>, "acquire">): ResourceLeases<Value> {
  const leases = new Map<string, Held<Value>>();

  function leave(held: Held<Value>): void {
    held.users -= 1;
    if (held.users === 0) held.free();
  }

  function release(leaseId: string): void {
    const held = leases.get(leaseId);
    if (held === undefined) return;
    leases.delete(leaseId);
    held.unwatch();
    leave(held);
  }

  return {
    async take(signal) {
      const { value, release: free } = await resource.acquire(signal);
      if (signal.aborted) {
        free();
        signal.throwIfAborted();
      }
      const leaseId = randomUUID();
      // A call that died releases nothing.
      const onAbort = () => release(leaseId);
      signal.addEventListener("abort", onAbort, { once: true });
      const unwatch = () => signal.removeEventListener("abort", onAbort);
      leases.set(leaseId, { value, users: 1, free, unwatch });
      return { leaseId };
    },
    release,
    async acquire(leaseId, signal) {
      const held = leaseId === null ? undefined : leases.get(leaseId);
      if (held === undefined) return { ...(await resource.acquire(signal)), call: {} };
      held.users += 1;
      let isReleased = false;
      return {
        value: held.value,
        call: held,
        release() {
          if (isReleased) return;
          isReleased = true;
          leave(held);
        },
      };
    },
    close() {
      for (const leaseId of leases.keys()) release(leaseId);
    },
  };
}
