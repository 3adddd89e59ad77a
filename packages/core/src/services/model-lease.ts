/** The lease of a call that runs several generations on one model. */

import type { ChatEngine } from "../engine/chat-engine.ts";

/** @param generate gets null where the engine has no leases: its model is never evicted. */
export async function* withLease<Event>(
  { leases }: ChatEngine,
  signal: AbortSignal,
  generate: (leaseId: string | null) => AsyncIterable<Event>,
): AsyncGenerator<Event, void> {
  if (leases === undefined) {
    yield* generate(null);
    return;
  }
  const { leaseId } = await leases.take(signal);
  try {
    yield* generate(leaseId);
  } finally {
    leases.release(leaseId);
  }
}
