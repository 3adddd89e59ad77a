/** A row of the entries as a database gives it, which is the same in all of them. */

import { z } from "zod";
import type { Entry } from "./entry-store.ts";

const rowSchema = z.object({
  kind: z.enum(["response", "conversation", "item", "chat"]),
  id: z.string(),
  chain_id: z.string(),
  previous_id: z.string().nullable(),
  created_at_ms: z.number(),
  content: z.instanceof(Uint8Array),
});

/** @throws Error when something other than this program wrote the row. */
export function decodeEntryRow(row: Readonly<Record<string, unknown>>): Entry {
  const {
    kind,
    id,
    chain_id: chainId,
    previous_id: previousId,
    created_at_ms: createdAtMs,
    content,
  } = rowSchema.parse(row);
  return { kind, id, chainId, previousId, createdAtMs, content };
}
