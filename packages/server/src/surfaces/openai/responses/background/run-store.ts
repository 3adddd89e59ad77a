/** What every process does to a run in the store: reads all of it, and makes a stored response of its end. */

import { isRecord } from "@openai-compat/core";
import type { ResponseRunStore, ResponseStore, RunKey, WireObject } from "@openai-compat/core";
import type { ResponseSettings } from "../settings.ts";
import { resolveUse } from "../../stored/state-dependencies.ts";
import type { RunContent } from "./run-content.ts";

export interface RunStores {
  readonly runs: ResponseRunStore;
  readonly responses: ResponseStore;
  readonly settings: ResponseSettings;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export async function listAllEvents(runs: ResponseRunStore, key: RunKey): Promise<readonly WireObject[]> {
  const events: WireObject[] = [];
  for (;;) {
    const more = await runs.listEvents(key, events.length - 1);
    if (more.length === 0) return events;
    events.push(...more);
  }
}

const MINUTE_MS = 60_000;

export interface RunEnd {
  readonly key: RunKey;
  readonly content: RunContent;
  /** The last event, with the whole response. */
  readonly last: WireObject;
}

/**
 * Stores the response, then its last event. Whoever finds the first without the second goes on from there: the stored
 * response is what holds.
 *
 * @param end writes the last events @throws Error what the stores throw
 */
export async function finishRun(
  { responses, settings, now }: Omit<RunStores, "runs">,
  { key, content, last }: RunEnd,
  end: (events: readonly WireObject[], keptUntilMs: number) => Promise<void>,
): Promise<void> {
  const { accountId, id } = key;
  const { input, previousResponseId, conversationId } = content;
  const response: WireObject = isRecord(last["response"]) ? last["response"] : {};
  const { nowMs, expiresAtMs, bytesMax } = resolveUse(settings, now());
  const turn = { input, previousResponseId, conversationId };
  const stored = { id, accountId, createdAtMs: nowMs, expiresAtMs, ...turn, response };
  const outcome = await responses.insertResponse(stored, { bytesMax });
  const shown = outcome === "stored" ? last : { ...last, response: { ...response, store: false } };
  await end([shown], nowMs + settings.backgroundEventsMinutes * MINUTE_MS);
}
