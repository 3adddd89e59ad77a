/** Credits for operators: balances, entries and grants, as the command line has them. */

import { randomUUID } from "node:crypto";
import { AiError } from "@openai-compat/core";
import type { CreditStore, LedgerEntry } from "@openai-compat/core";
import type { CreditEntry, GrantCreditsInput, NativeBalance } from "@openai-compat/spec";
import { askStore } from "../../../stores/ask-store.ts";
import type { NativeHandlers } from "../native-handlers.ts";
import { ENTRIES_DEFAULT } from "./bounds.ts";

export interface CreditOptions {
  readonly credits: CreditStore;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export function createCreditHandlers({
  credits,
  now,
}: CreditOptions): Pick<NativeHandlers, "credits.balance" | "credits.entries" | "credits.grant"> {
  return {
    "credits.balance": async ({ accountId }) => ({ accountId, ...(await askStore(credits.readBalance(accountId))) }),
    async "credits.entries"({ accountId = null, limit = ENTRIES_DEFAULT }) {
      return (await askStore(credits.listEntries({ accountId, limit }))).map(describeEntry);
    },
    "credits.grant": (input) => grant(input, credits, now()),
  };
}

/** @throws AiError `invalid_value` for more than is available, or more than a balance can hold */
async function grant(
  { accountId, amount, note = "", grantId = randomUUID() }: GrantCreditsInput,
  credits: CreditStore,
  nowMs: number,
): Promise<NativeBalance> {
  try {
    return { accountId, ...(await credits.grant({ id: grantId, accountId, amount, note, nowMs })) };
  } catch (thrown) {
    // Asked afterwards: a grant that is repeated changes nothing, whatever its amount is by now.
    const { balance, held } = await askStore(credits.readBalance(accountId));
    if (-amount > balance - held) throw refuse(`the account has ${balance - held} micro-credits available`);
    if (amount > Number.MAX_SAFE_INTEGER - balance) throw refuse(`no balance goes beyond ${Number.MAX_SAFE_INTEGER}`);
    return askStore(Promise.reject(thrown));
  }
}

function refuse(why: string): AiError {
  return new AiError("invalid_value", `Invalid 'amount': ${why}.`, { param: "amount" });
}

function describeEntry(entry: LedgerEntry): CreditEntry {
  const { kind, accountId, amount, createdAtMs } = entry;
  if (kind === "grant") return { kind, accountId, amount, createdAtMs, note: entry.note };
  const { operation, modelId, requestId, units } = entry;
  return { kind, accountId, amount, createdAtMs, operation, modelId, requestId, units: { ...units } };
}
