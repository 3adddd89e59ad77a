/** Keeps the requests of a run apart once the target has limited its rate. Before that it costs nothing. */

import { setTimeout as sleep } from "node:timers/promises";

const FIRST_GAP_MS = 100;
const GAP_MS_MAX = 2000;

export class Pace {
  #gapMs = 0;
  #nextAtMs = 0;

  /** Called when the target said that we are too fast. */
  slow(): void {
    this.#gapMs = Math.min(GAP_MS_MAX, Math.max(FIRST_GAP_MS, this.#gapMs * 2));
  }

  /** Resolves when the next request may be sent. @throws the signal's reason when it aborts first */
  async turn(signal: AbortSignal): Promise<void> {
    if (this.#gapMs === 0) return;
    const nowMs = performance.now();
    const atMs = Math.max(nowMs, this.#nextAtMs);
    this.#nextAtMs = atMs + this.#gapMs;
    if (atMs > nowMs) await sleep(atMs - nowMs, undefined, { signal });
  }
}
