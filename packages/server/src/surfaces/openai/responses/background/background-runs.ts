/**
 * The responses that run in the background: those of this process, and through the store those of all others. Their
 * events are read from the store alone, so that a reader sees the same wherever it asks and whenever it comes.
 */

import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { AiError, toAiError } from "@openai-compat/core";
import type { CreditStore, StoredResponseRun, RunKey, WireObject } from "@openai-compat/core";
import { raceWithTimer } from "../../stream-response.ts";
import type { ResponseBuilder } from "../response-builder.ts";
import { BackgroundRun } from "./background-run.ts";
import { endLapsedRuns } from "./end-lapsed-runs.ts";
import type { ResponseRun } from "../response-run.ts";
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

export interface BackgroundRuns {
  /**
   * Resolves when the work is admitted, or after a moment: then it waits in the background.
   *
   * @throws AiError `queue_full`, `shutting_down`, and what `start` throws until then: nothing is stored then
   */
  begin(options: BeginRun): Promise<RunKey>;
  /** The response as it is now, while it runs or where it could not be stored; null when there is no such run. */
  find(key: RunKey): Promise<WireObject | null>;
  /** Whether its events are stored. */
  has(key: RunKey): Promise<boolean>;
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
  const { runs, settings, onError, now = Date.now } = options;
  const owner = `server_${randomUUID()}`;
  const stores = { ...options, now };
  const own = new Map<string, { readonly run: BackgroundRun; readonly ended: Promise<void> }>();
  const changes = createChanges();
  let closing: AiError | null = null;

  async function insert(key: RunKey, content: RunContent): Promise<void> {
    const nowMs = now();
    const leaseUntilMs = nowMs + settings.backgroundLeaseSeconds * 1000;
    const run = { ...key, owner, createdAtMs: nowMs, leaseUntilMs, content: { ...content } };
    const limits = { runningMax: settings.backgroundRunsMax, endedMax: ENDED_RUNS_MAX };
    if (await runs.begin(run, limits)) return;
    const message = `Your account has as many responses in the background as may run at the same time (${settings.backgroundRunsMax}). Please try again when one of them has ended.`;
    throw new AiError("queue_full", message, { retryAfterMs: RETRY_AFTER_MS });
  }

  return {
    async begin({ accountId, builder, turn, controller, start }) {
      if (closing !== null) throw closing;
      const { id } = builder.response;
      const key = { accountId, id };
      const { input, previousResponseId, conversationId } = turn;
      const content = {
        input,
        previousResponseId,
        conversationId,
        response: { ...builder.response, status: "queued" },
      };
      await insert(key, content);
      const run = new BackgroundRun({
        ...stores,
        key: { ...key, owner },
        content,
        builder,
        controller,
        onChange: () => changes.announce(key),
        onError: (error) => onError(error, key),
      });
      try {
        await run.queue();
        const starting = start();
        await raceWithTimer(starting, START_MS);
        const ended = run.pump(starting).finally(() => own.delete(keyText(key)));
        own.set(keyText(key), { run, ended });
        return key;
      } catch (thrown) {
        run.stop();
        const error = toAiError(thrown, controller.signal);
        run.abort(error);
        await runs.remove(key);
        throw error;
      }
    },
    async find(key) {
      const run = await runs.find(key);
      if (run === null) return null;
      return (await readSnapshot(stores, run)) ?? null;
    },
    has: async (key) => (await runs.find(key)) !== null,
    async *read(key, { after, signal }) {
      let last = after;
      try {
        for (;;) {
          signal.throwIfAborted();
          const changed = changes.next(key);
          const events = await runs.listEvents(key, last);
          yield* events;
          last += events.length;
          if (events.length > 0) continue;
          const run = await runs.find(key);
          if (run === null || (run.leaseUntilMs === null && last >= run.eventCount - 1)) return;
          await raceWithTimer(changed, POLL_MS);
        }
      } finally {
        changes.announce(key);
      }
    },
    async cancel(key) {
      if (!(await runs.cancel(key))) return false;
      own.get(keyText(key))?.run.cancel();
      const untilMs = performance.now() + CANCEL_WAIT_MS;
      while (performance.now() < untilMs) {
        const changed = changes.next(key);
        const run = await runs.find(key);
        if (run === null || run.leaseUntilMs === null) break;
        await raceWithTimer(changed, POLL_MS);
      }
      changes.announce(key);
      return true;
    },
    async sweep() {
      await endLapsedRuns({
        ...stores,
        owner,
        onError: (thrown, { accountId, id }) => onError(toAiError(thrown), { accountId, id }),
      });
    },
    async close(reason, timeoutMs) {
      closing = reason;
      const untilEnded = (ms: number) =>
        Promise.race([Promise.all([...own.values()].map(({ ended }) => ended)), delay(ms, null, { ref: false })]);
      if (own.size > 0) await untilEnded(timeoutMs);
      for (const { run } of own.values()) run.abort(reason);
      if (own.size > 0) await untilEnded(ABORT_GRACE_MS);
    },
  };
}

/** The events of a run that say how its response is: the first two when it was queued, the third when it began. */
const BEGUN_EVENT = 2;

async function readSnapshot({ runs }: RunStores, run: StoredResponseRun): Promise<WireObject | undefined> {
  const number = run.leaseUntilMs === null ? run.eventCount - 1 : BEGUN_EVENT;
  const event = await runs.findEvent(run, number);
  const response = event?.["response"] ?? run.content["response"];
  return typeof response === "object" && response !== null ? { ...response } : undefined;
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
