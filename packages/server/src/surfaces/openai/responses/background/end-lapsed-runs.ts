/**
 * Ends the runs whose process is gone: their lease has run out. Each has its stored events paid for and fails, or is
 * cancelled where its caller wanted that. Any process does it, and one alone for each run.
 */

import { chargeCheckpoint } from "@openai-compat/core";
import type { CreditStore, StoredResponseRun } from "@openai-compat/core";
import { composeEnd } from "./compose-end.ts";
import { decodeCheckpoint, decodeRunContent } from "./run-content.ts";
import { finishRun, listAllEvents } from "./run-store.ts";
import type { RunStores } from "./run-store.ts";

export interface LapsedOptions extends RunStores {
  readonly credits: CreditStore;
  /** Of this process. */
  readonly owner: string;
  /** Called with why one could not be ended: its lease runs out again. */
  readonly onError: (thrown: unknown, run: StoredResponseRun) => void;
}

/** Runs that are claimed in one go. */
const CLAIMED_MAX = 16;

const LAPSED_ERROR = {
  code: "server_error",
  message: "The server stopped while this response was running, before it was complete. Please try again.",
} as const;

/** @returns how many were claimed. @throws Error what claiming throws */
export async function endLapsedRuns(options: LapsedOptions): Promise<number> {
  const { runs, owner, settings, now, onError } = options;
  const nowMs = now();
  const leaseUntilMs = nowMs + settings.backgroundLeaseSeconds * 1000;
  const claimed = await runs.claimLapsed({ owner, nowMs, leaseUntilMs, limit: CLAIMED_MAX });
  for (const run of claimed) {
    await endRun(options, run).catch((thrown: unknown) => onError(thrown, run));
  }
  return claimed.length;
}

const TYPES: Readonly<Record<string, string>> = {
  completed: "response.completed",
  incomplete: "response.incomplete",
};

async function endRun(options: LapsedOptions, run: StoredResponseRun): Promise<void> {
  const { runs, responses, credits, now } = options;
  const { accountId, id, owner } = run;
  const key = { accountId, id };
  const events = await listAllEvents(runs, key);
  const append = async (last: readonly Readonly<Record<string, unknown>>[], keptUntilMs: number) => {
    await runs.append(
      { ...key, owner },
      { first: events.length, events: last, checkpoint: null, lease: { keptUntilMs } },
    );
  };
  const found = await responses.findResponse(accountId, id);
  if (found !== null) {
    // Its process had stored it, and was paid for it, before it could say so in the events.
    const type = TYPES[String(found.response["status"])] ?? "response.failed";
    const keptUntilMs = now() + options.settings.backgroundEventsMinutes * 60_000;
    return append([{ type, response: found.response, sequence_number: events.length }], keptUntilMs);
  }
  const checkpoint = decodeCheckpoint(run);
  if (checkpoint !== null) await chargeCheckpoint(credits, { accountId, nowMs: now() }, checkpoint);
  const content = decodeRunContent(run);
  const end = run.isCancelling
    ? ({ status: "cancelled", error: null } as const)
    : ({ status: "failed", error: LAPSED_ERROR } as const);
  const last = composeEnd(content.response, events, { ...end, units: checkpoint?.units ?? null });
  await finishRun(options, { key, content, last }, append);
}
