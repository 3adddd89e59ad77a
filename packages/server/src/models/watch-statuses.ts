/** Statuses of models as a stream of their changes. They are looked at now and then: an upstream reports none. */

import { setTimeout as sleep } from "node:timers/promises";
import type { ModelStatus } from "./model-status.ts";

export interface WatchedStatus {
  readonly id: string;
  readonly status: ModelStatus;
}

/** How often they are looked at. */
const LOOK_MS = 250;

/**
 * What there is at once, then what has changed. A reader that is slow gets the newest, not each.
 *
 * @param look called for the models to watch; what it throws ends the stream
 * @returns a stream that ends when the signal aborts
 */
export async function* watchStatuses(
  look: () => readonly WatchedStatus[],
  signal: AbortSignal,
): AsyncGenerator<WatchedStatus, void> {
  const seen = new Map<string, string>();
  while (!signal.aborted) {
    const found = look();
    const ids = new Set(found.map(({ id }) => id));
    for (const id of seen.keys()) if (!ids.has(id)) seen.delete(id);
    for (const watched of found) {
      const text = JSON.stringify(watched.status);
      if (seen.get(watched.id) === text) continue;
      seen.set(watched.id, text);
      yield watched;
      if (signal.aborted) return;
    }
    await sleep(LOOK_MS, undefined, { signal, ref: false }).catch(() => {});
  }
}
