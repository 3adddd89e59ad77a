/**
 * The events of one run on their way into the store: in batches, each with what had been used by then, and each renewing
 * the lease. Nothing is shown to anybody before it is stored.
 */

import { AiError } from "@openai-compat/core";
import type { CallCheckpoint, ResponseRunStore, RunKey, RunState, WireObject } from "@openai-compat/core";

/** How long an event waits for others to be stored with it. */
const BATCH_MS = 100;
/** Events beyond which a batch is stored at once, and what makes more of them waits. */
const BATCH_EVENTS_MAX = 256;

export interface RunLogOptions {
  readonly runs: ResponseRunStore;
  readonly key: RunKey & { readonly owner: string };
  readonly leaseMs: number;
  /** Of all events, as JSON. */
  readonly bytesMax: number;
  /** Called when a batch is made. */
  readonly checkpoint: () => CallCheckpoint | null;
  /** Called after each batch. */
  readonly onState: (state: RunState) => void;
  /** Called with why a batch could not be stored. */
  readonly onError: (thrown: unknown) => void;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export class RunLog {
  readonly #options: RunLogOptions;
  #waiting: WireObject[] = [];
  #stored = 0;
  #bytes = 0;
  /** A batch is missing: what comes after it would leave a gap. */
  #isBroken = false;
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: RunLogOptions) {
    this.#options = options;
  }

  /** @throws AiError when the run has more events than may be stored, and what the store throws */
  async push(event: WireObject): Promise<void> {
    if (this.#isBroken) return;
    this.#bytes += JSON.stringify(event).length;
    const { bytesMax } = this.#options;
    if (this.#bytes > bytesMax) {
      const message = `The events of this response exceed what is stored of one (${bytesMax} bytes). Ask for fewer tokens.`;
      throw new AiError("engine_failed", message);
    }
    this.#waiting.push(event);
    if (this.#waiting.length >= BATCH_EVENTS_MAX) return this.flush();
    this.#timer ??= setTimeout(() => {
      this.flush().catch((thrown: unknown) => this.#options.onError(thrown));
    }, BATCH_MS);
  }

  /** Stores what waits and renews the lease, also where nothing waits. @throws Error what the store throws */
  flush(): Promise<void> {
    return this.#write((untilMs) => ({ untilMs }), []);
  }

  /** The last events: the run has ended. @throws Error what the store throws */
  end(last: readonly WireObject[], keptUntilMs: number): Promise<void> {
    return this.#write(() => ({ keptUntilMs }), last);
  }

  /** One after the other: a batch names the number of its first event. */
  #write(
    lease: (untilMs: number) => { readonly untilMs: number } | { readonly keptUntilMs: number },
    last: readonly WireObject[],
  ): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const writing = this.#writing.then(async () => {
      const { runs, key, leaseMs, checkpoint, now, onState } = this.#options;
      const events = [...this.#waiting, ...last];
      this.#waiting = [];
      const used = checkpoint();
      const state = await runs.append(key, {
        first: this.#stored,
        events,
        checkpoint: used === null ? null : { ...used },
        lease: lease(now() + leaseMs),
      });
      this.#stored += events.length;
      onState(state);
    });
    this.#writing = writing.catch(() => {
      this.#isBroken = true;
      this.#waiting = [];
    });
    return writing;
  }
}
