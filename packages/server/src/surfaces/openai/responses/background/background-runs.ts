/**
 * The responses that run in the background: those of this process, and through the store those of all others. Their
 * events are read from the store alone, so that a reader sees the same wherever it asks and whenever it comes.
 */

import { randomUUID } from "node:crypto";
import { AiError, isRecord, toAiError } from "@openai-compat/core";
import type { CreditStore, StoredResponseRun, RunKey, StoredItem, WireObject } from "@openai-compat/core";
import { raceWithTimer } from "../../stream-response.ts";
import type { ResponseBuilder } from "../response-builder.ts";
import { BackgroundRun } from "./background-run.ts";
import { endLapsedRuns } from "./end-lapsed-runs.ts";
import type { ResponseRun } from "../response-run.ts";
import { decodeRunContent } from "./run-content.ts";
import type { RunContent } from "./run-content.ts";
import type { RunStores } from "./run-store.ts";

export interface BackgroundRunsOptions extends Omit<RunStores, "now"> {
  readonly credits: CreditStore;
  /** Called with what fails beside a response itself: the store. */
  readonly onError: (error: AiError, run: RunKey) => void;
  /** Milliseconds since the epoch. Default: the clock. */
  readonly now?: () => number;
}

export interface BeginRun {
  readonly accountId: string;
  readonly builder: ResponseBuilder;
  readonly turn: Omit<RunContent, "response">;
  /** Of the work's signal. */
  readonly controller: AbortController;
  /** Starts the work. Resolves once it is admitted. @throws AiError */
  readonly start: () => Promise<ResponseRun>;
}

interface ReadOptions {
  /** The number of the last event that the reader has; -1 for none. */
  readonly after: number;
  /** Of the reader. */
  readonly signal: AbortSignal;
}

export interface BackgroundRuns {
  /**
   * Resolves when the work is admitted, or after a moment: then it waits in the background.
   *
   * @throws AiError `queue_full`, `shutting_down`, and what `start` throws until then: nothing is stored then
   */
  begin(options: BeginRun): Promise<RunKey>;
  /** The response as it is now, while it runs or where it could not be stored; null when there is no such run. */
  find(key: RunKey): Promise<WireObject | null>;
  /** Whether it runs; null: no events of it are stored. */
  status(key: RunKey): Promise<"running" | "ended" | null>;
  /** What it answers; null when there is no such run. */
  findInput(key: RunKey): Promise<readonly StoredItem[] | null>;
  /** Deletes what is stored of one that has ended. @returns false when there is nothing */
  forget(key: RunKey): Promise<boolean>;
  /** The events behind a number: those that are stored and those that come, up to the last one. */
  read(
    key: RunKey,
    options: { readonly after: number; readonly signal: AbortSignal },
  ): AsyncGenerator<WireObject, void>;
  /** Resolves when it has ended, or after a bounded time. @returns false when it does not run */
  cancel(key: RunKey): Promise<boolean>;
  /** Ends runs whose process is gone. Called now and then. @throws Error what the store throws */
  sweep(): Promise<void>;
  /** Begins no more, lets those of this process end for so long, then aborts them with the reason. */
  close(reason: AiError, timeoutMs: number): Promise<void>;
}

/** How long a request waits for its work to be admitted, so that what is refused is refused at once. */
const START_MS = 250;
/** How often a reader asks for events of a run of another process. */
const POLL_MS = 500;
/** How long a cancellation waits for the process that runs the response. */
const CANCEL_WAIT_MS = 5000;
/** How long aborted runs may take to say so in the store. */
const ABORT_GRACE_MS = 2000;
/** Of one account: those that have ended and whose events are still there. */
const ENDED_RUNS_MAX = 32;
const RETRY_AFTER_MS = 1000;

export function createBackgroundRuns(options: BackgroundRunsOptions): BackgroundRuns {
  return new Runs(options);
}

class Runs implements BackgroundRuns {
  readonly #options: BackgroundRunsOptions & RunStores;
  readonly #owner = `server_${randomUUID()}`;
  readonly #own = new Map<string, { readonly run: BackgroundRun; readonly ended: Promise<void> }>();
  readonly #changes = createChanges();
  #closing: AiError | null = null;

  constructor(options: BackgroundRunsOptions) {
    this.#options = { now: Date.now, ...options };
  }

  async begin({ accountId, builder, turn, controller, start }: BeginRun): Promise<RunKey> {
    if (this.#closing !== null) throw this.#closing;
    const { id } = builder.response;
    const key = { accountId, id };
    const { input, previousResponseId, conversationId } = turn;
    const response = { ...builder.response, status: "queued" };
    const content = { input, previousResponseId, conversationId, response };
    await this.#insert(key, content);
    const run = new BackgroundRun({
      ...this.#options,
      key: { ...key, owner: this.#owner },
      content,
      builder,
      controller,
      onChange: () => this.#changes.announce(key),
      onError: (error) => this.#options.onError(error, key),
    });
    try {
      await run.queue();
      const starting = start();
      await raceWithTimer(starting, START_MS);
      const ended = run.pump(starting).finally(() => this.#own.delete(keyText(key)));
      this.#own.set(keyText(key), { run, ended });
      return key;
    } catch (thrown) {
      run.stop();
      const error = toAiError(thrown, controller.signal);
      run.abort(error);
      await this.#options.runs.remove(key);
      throw error;
    }
  }

  async #insert(key: RunKey, content: RunContent): Promise<void> {
    const { runs, settings, now } = this.#options;
    const nowMs = now();
    const leaseUntilMs = nowMs + settings.backgroundLeaseSeconds * 1000;
    const run = { ...key, owner: this.#owner, createdAtMs: nowMs, leaseUntilMs, content: { ...content } };
    const limits = { runningMax: settings.backgroundRunsMax, endedMax: ENDED_RUNS_MAX };
    if (await runs.begin(run, limits)) return;
    const message = `Your account has as many responses in the background as may run at the same time (${settings.backgroundRunsMax}). Please try again when one of them has ended.`;
    throw new AiError("queue_full", message, { retryAfterMs: RETRY_AFTER_MS });
  }

  async find(key: RunKey): Promise<WireObject | null> {
    const run = await this.#options.runs.find(key);
    return run === null ? null : readSnapshot(this.#options, run);
  }

  async status(key: RunKey): Promise<"running" | "ended" | null> {
    const run = await this.#options.runs.find(key);
    if (run === null) return null;
    return run.leaseUntilMs === null ? "ended" : "running";
  }

  async findInput(key: RunKey): Promise<readonly StoredItem[] | null> {
    const run = await this.#options.runs.find(key);
    return run === null ? null : decodeRunContent(run).input;
  }

  forget(key: RunKey): Promise<boolean> {
    return this.#options.runs.remove(key);
  }

  async *read(key: RunKey, { after, signal }: ReadOptions): AsyncGenerator<WireObject, void> {
    const { runs } = this.#options;
    let last = after;
    try {
      for (;;) {
        signal.throwIfAborted();
        const changed = this.#changes.next(key);
        const events = await runs.listEvents(key, last);
        yield* events;
        last += events.length;
        if (events.length > 0) continue;
        const run = await runs.find(key);
        if (run === null || (run.leaseUntilMs === null && last >= run.eventCount - 1)) return;
        await raceWithTimer(changed, POLL_MS);
      }
    } finally {
      this.#changes.announce(key);
    }
  }

  async cancel(key: RunKey): Promise<boolean> {
    const { runs } = this.#options;
    if (!(await runs.cancel(key))) return false;
    this.#own.get(keyText(key))?.run.cancel();
    const untilMs = performance.now() + CANCEL_WAIT_MS;
    while (performance.now() < untilMs) {
      const changed = this.#changes.next(key);
      const run = await runs.find(key);
      if (run === null || run.leaseUntilMs === null) break;
      await raceWithTimer(changed, POLL_MS);
    }
    this.#changes.announce(key);
    return true;
  }

  async sweep(): Promise<void> {
    await endLapsedRuns({
      ...this.#options,
      owner: this.#owner,
      onError: (thrown, { accountId, id }) => this.#options.onError(toAiError(thrown), { accountId, id }),
    });
  }

  async close(reason: AiError, timeoutMs: number): Promise<void> {
    this.#closing = reason;
    await this.#untilEnded(timeoutMs);
    for (const { run } of this.#own.values()) run.abort(reason);
    await this.#untilEnded(ABORT_GRACE_MS);
  }

  async #untilEnded(timeoutMs: number): Promise<void> {
    await raceWithTimer(Promise.all([...this.#own.values()].map(({ ended }) => ended)), timeoutMs);
  }
}

/** The events of a run that say how its response is: the first two when it was queued, the third when it began. */
const BEGUN_EVENT = 2;

async function readSnapshot({ runs }: RunStores, run: StoredResponseRun): Promise<WireObject> {
  const number = run.leaseUntilMs === null ? run.eventCount - 1 : BEGUN_EVENT;
  const event = await runs.findEvent(run, number);
  const response = event?.["response"];
  return isRecord(response) ? response : decodeRunContent(run).response;
}

function keyText({ accountId, id }: RunKey): string {
  return JSON.stringify([accountId, id]);
}

/** Who waits for the next batch of a run of this process. */
function createChanges() {
  const waiting = new Map<string, PromiseWithResolvers<void>>();
  return {
    next(key: RunKey): Promise<void> {
      const known = waiting.get(keyText(key));
      if (known !== undefined) return known.promise;
      const made = Promise.withResolvers<void>();
      waiting.set(keyText(key), made);
      return made.promise;
    },
    announce(key: RunKey): void {
      waiting.get(keyText(key))?.resolve();
      waiting.delete(keyText(key));
    },
  };
}
