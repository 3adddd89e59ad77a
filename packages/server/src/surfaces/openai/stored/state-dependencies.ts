/** What the operations on stored objects share: the store, how long it keeps, how much, and how much is read at once. */

import type { ChainUse, ResponseStore } from "@openai-compat/core";
import type { ResponseSettings } from "../responses/settings.ts";

export interface StateDependencies {
  readonly responses: ResponseStore;
  readonly settings: Pick<ResponseSettings, "accountBytesMax" | "retentionDays" | "pageBytesMax">;
}

const DAY_MS = 86_400_000;

type UseSettings = Pick<ResponseSettings, "accountBytesMax" | "retentionDays">;

/** What a write at that time comes to. @param nowMs milliseconds since the epoch */
export function resolveUse({ accountBytesMax, retentionDays }: UseSettings, nowMs: number): ChainUse {
  return { nowMs, expiresAtMs: nowMs + retentionDays * DAY_MS, bytesMax: accountBytesMax };
}
