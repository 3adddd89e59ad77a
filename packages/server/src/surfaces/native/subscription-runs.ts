/**
 * The runs of resumable subscriptions, by their ids. A run belongs to the account that began it and to this process: an
 * id that is not known here is lost, and its client is told so.
 */

import { randomUUID } from "node:crypto";
import { AiError, toAiError } from "@openai-compat/core";
import type { IdentifiedEvent } from "./native-handlers.ts";
import type { NativeSettings } from "./settings.ts";
import { SubscriptionRun, subscriptionLost } from "./subscription-run.ts";

export interface BeginOptions {
  readonly accountId: string;
  /** Of the connection. */
  readonly signal: AbortSignal;
  /** Starts the work. Resolves once it is admitted. @throws AiError */
  readonly start: (run: { readonly id: string; readonly signal: AbortSignal }) => Promise<AsyncIterable<unknown>>;
}

export interface ResumeOptions {
  readonly accountId: string;
  readonly signal: AbortSignal;
  /** As the client got it: `‹run›:‹number›`. */
  readonly lastEventId: string;
}

export type RunEvents = AsyncIterableIterator<IdentifiedEvent<unknown>>;

export interface SubscriptionRuns {
  /** @throws AiError `queue_full`, `shutting_down`, and what `start` throws */
  begin(options: BeginOptions): Promise<RunEvents>;
  /** @throws AiError `subscription_lost` */
  resume(options: ResumeOptions): RunEvents;
  /** Ends a run of the account at once. @returns false where there is none that runs. */
  cancel(accountId: string, id: string): boolean;
  /** Ends the runs that nobody reads, and from now on those whose reader leaves. @param reason of the others too */
  close(reason: AiError): void;
}

export type RunSettings = Pick<NativeSettings, "resumeMs" | "runBytesMax" | "runsBytesMax" | "accountRunsMax">;

const RETRY_AFTER_MS = 1000;

export function createSubscriptionRuns(settings: RunSettings): SubscriptionRuns {
  /** In the order in which they began. */
  const runs = new Map<string, SubscriptionRun>();
  let closing: AiError | null = null;

  function makeRoom(accountId: string): void {
    const own = [...runs.values()].filter((run) => run.accountId === accountId);
    if (own.length >= settings.accountRunsMax) {
      const ended = own.find(({ hasEnded }) => hasEnded);
      if (ended === undefined) throw tooManyRuns(settings.accountRunsMax);
      ended.forget();
    }
    let bytes = [...runs.values()].reduce((sum, run) => sum + run.bytes, 0);
    for (const run of runs.values()) {
      if (bytes <= settings.runsBytesMax) break;
      if (!run.hasEnded) continue;
      bytes -= run.bytes;
      run.forget();
    }
  }

  function find(accountId: string, id: string): SubscriptionRun | null {
    const run = runs.get(id);
    return run?.accountId === accountId ? run : null;
  }

  return {
    async begin({ accountId, signal, start }) {
      if (closing !== null) throw closing;
      makeRoom(accountId);
      const run = new SubscriptionRun({
        id: `run_${randomUUID()}`,
        accountId,
        bytesMax: settings.runBytesMax,
        resumeMs: settings.resumeMs,
        onForget: ({ id }) => void runs.delete(id),
      });
      runs.set(run.id, run);
      const onAbort = () => run.abort(toAiError(signal.reason, signal));
      signal.addEventListener("abort", onAbort, { once: true });
      try {
        if (signal.aborted) onAbort();
        const events = await start({ id: run.id, signal: run.signal });
        void run.pump(events);
        return run.read(0, signal);
      } catch (thrown) {
        run.forget();
        throw toAiError(thrown, run.signal);
      } finally {
        signal.removeEventListener("abort", onAbort);
      }
    },
    resume({ accountId, signal, lastEventId }) {
      const match = /^(run_[\da-f-]{36}):(\d{1,15})$/.exec(lastEventId);
      const run = match === null ? null : find(accountId, match[1] ?? "");
      if (run === null) throw subscriptionLost();
      return run.read(Number(match?.[2]) + 1, signal);
    },
    cancel(accountId, id) {
      const run = find(accountId, id);
      if (run === null || run.hasEnded) return false;
      run.abort(new AiError("cancelled", "The prompt was cancelled by its client."));
      return true;
    },
    close(reason) {
      closing = reason;
      for (const run of runs.values()) run.close(reason);
    },
  };
}

function tooManyRuns(most: number): AiError {
  const message = `Your account has as many subscriptions at the same time as it may have (${most}). Please try again later.`;
  return new AiError("queue_full", message, { retryAfterMs: RETRY_AFTER_MS });
}
