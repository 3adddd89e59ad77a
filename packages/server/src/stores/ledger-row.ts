/** A row of the ledger table to a ledger entry. */

import { BILLED_OPERATIONS } from "@openai-compat/core";
import type { LedgerEntry } from "@openai-compat/core";
import { z } from "zod";

const common = { account_id: z.string(), amount: z.number(), created_at_ms: z.number() };

const grantRow = z.object({ ...common, note: z.string() });

const usageRow = z.object({
  ...common,
  operation: z.enum(BILLED_OPERATIONS),
  model_id: z.string(),
  request_id: z.string(),
  input_tokens: z.number(),
  cached_tokens: z.number(),
  output_tokens: z.number(),
  audio_ms: z.number(),
  characters: z.number(),
});

/** @throws Error when something other than this program wrote the row. */
export function decodeLedgerRow(row: Readonly<Record<string, unknown>>): LedgerEntry {
  if (row["grant_id"] !== null) {
    const grant = grantRow.parse(row);
    return {
      kind: "grant",
      accountId: grant.account_id,
      amount: grant.amount,
      note: grant.note,
      createdAtMs: grant.created_at_ms,
    };
  }
  const usage = usageRow.parse(row);
  return {
    kind: "usage",
    accountId: usage.account_id,
    amount: usage.amount,
    operation: usage.operation,
    modelId: usage.model_id,
    requestId: usage.request_id,
    units: {
      inputTokens: usage.input_tokens,
      cachedTokens: usage.cached_tokens,
      outputTokens: usage.output_tokens,
      audioMs: usage.audio_ms,
      characters: usage.characters,
    },
    createdAtMs: usage.created_at_ms,
  };
}
