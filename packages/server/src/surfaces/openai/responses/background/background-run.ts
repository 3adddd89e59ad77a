/**
 * One response that runs in the background of this process: from its queued events to its stored end, whatever happens.
 * It ends by itself, by its caller's cancellation, by the end of the server, or because another process has taken it
 * over.
 */

import { AiError, toAiError } from "@openai-compat/core";
import type { CallCheckpoint, RunKey, RunState, WireObject } from "@openai-compat/core";
import { encodeResponseError } from "../encode-response-error.ts";
import { isLast, listResponseEvents } from "../encode-stream.ts";
import type { ResponseBuilder } from "../response-builder.ts";
import type { ResponseRun } from "../response-run.ts";
import { composeEnd } from "./compose-end.ts";
import type { RunContent } from "./run-content.ts";
import { RunLog } from "./run-log.ts";
import { finishRun, listAllEvents } from "./run-store.ts";
import type { RunStores } from "./run-store.ts";

/** How often a run asks whether it is to be cancelled; a shorter lease is renewed in time all the same. */
const HEARTBEAT_MS = 1000;
/** Of a lease, how much passes between two renewals at most. */
const LEASE_SHARE = 3;

export interface BackgroundRunOptions extends RunStores {
  readonly key: RunKey & { readonly owner: string };
  readonly content: RunContent;
  readonly builder: ResponseBuilder;
  /** Of the work's signal. */
  readonly controller: AbortController;
  /** Called whenever something of it was stored. */
  readonly onChange: () => void;
  /** Called with what fails beside the response itself: the store. */
  readonly onError: (error: AiError) => void;
}

export class BackgroundRun {
  readonly #options: BackgroundRunOptions;
  readonly #log: RunLog;
  readonly #heart: NodeJS.Timeout;
  #checkpoint: (() => CallCheckpoint) | null = null;
  #isLost = false;
  #isCancelled = false;

  constructor(options: BackgroundRunOptions) {
    this.#options = options;
    const { runs, key, settings, onChange, now } = options;
    const leaseMs = settings.backgroundLeaseSeconds * 1000;
    this.#log = new RunLog({
      runs,
      key,
      leaseMs,
      bytesMax: settings.backgroundEventBytesMax,
      checkpoint: () => this.#checkpoint?.() ?? null,
      onState: (state) => {
        this.#follow(state);
        onChange();
      },
      onError: (thrown) => this.abort(toAiError(thrown)),
      now,
    });
    this.#heart = setInterval(
      () => {
        this.#log.flush().catch((thrown: unknown) => this.abort(toAiError(thrown)));
      },
      Math.min(HEARTBEAT_MS, leaseMs / LEASE_SHARE),
    );
    this.#heart.unref();
  }

  abort(reason: AiError): void {
    this.#options.controller.abort(reason);
  }

  cancel(): void {
    this.#isCancelled = true;
    this.abort(new AiError("cancelled", "The response was cancelled by its caller."));
  }

  /** Stores the first events. @throws Error what the store throws */
  async queue(): Promise<void> {
    for (const event of this.#options.builder.queue()) await this.#log.push(event);
    await this.#log.flush();
  }

  /** Gives up a run that was refused. */
  stop(): void {
    clearInterval(this.#heart);
  }

  /** Ends when the run has ended in the store, or can't be ended there by this process. It does not reject. */
  async pump(starting: Promise<ResponseRun>): Promise<void> {
    const { builder, onError } = this.#options;
    try {
      const run = await starting;
      this.#checkpoint = run.checkpoint;
      let last: WireObject | null = null;
      for await (const event of listResponseEvents(run, { builder, keep: async (end) => end })) {
        // An upstream may say itself that its response has failed.
        if (isLast(event) || event.type === "response.failed") last = event;
        else await this.#log.push(event);
      }
      if (last === null) throw new AiError("engine_failed", "The engine stopped before the answer was complete.");
      await this.#log.flush();
      if (!this.#isLost) await this.#finish(last);
    } catch (thrown) {
      await this.#endEarly(toAiError(thrown, this.#options.controller.signal)).catch((failure: unknown) =>
        onError(toAiError(failure)),
      );
    } finally {
      this.stop();
      this.#options.onChange();
    }
  }

  #follow(state: RunState): void {
    if (state === "cancelling" && !this.#isCancelled) this.cancel();
    if (state !== "lost" || this.#isLost) return;
    this.#isLost = true;
    this.abort(new AiError("engine_failed", "Another server has ended this response: its lease had run out."));
  }

  async #endEarly(error: AiError): Promise<void> {
    const { runs, key, content } = this.#options;
    if (!this.#isLost) await this.#log.flush();
    if (this.#isLost) return;
    const events = await listAllEvents(runs, key);
    const end = this.#isCancelled
      ? ({ status: "cancelled", error: null } as const)
      : ({ status: "failed", error: encodeResponseError(error) } as const);
    const units = this.#checkpoint?.().units ?? null;
    await this.#finish(composeEnd(content.response, events, { ...end, units }));
  }

  #finish(last: WireObject): Promise<void> {
    const { key, content } = this.#options;
    return finishRun(this.#options, { key, content, last }, (events, keptUntilMs) =>
      this.#log.end(events, keptUntilMs),
    );
  }
}
