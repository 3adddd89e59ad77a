/**
 * What responses that run in the background are to a database: rows whose content is opaque bytes. Each kind of store
 * implements it; `response-run-store.ts` encrypts and decodes them.
 */

import type { LapsedClaim, NewResponseRun, RunKey, RunLimits, RunState } from "@openai-compat/core";
import { z } from "zod";

export interface NewRunRow extends Omit<NewResponseRun, "content"> {
  readonly content: Uint8Array;
}

export interface RunRow extends Omit<NewRunRow, "leaseUntilMs"> {
  readonly leaseUntilMs: number | null;
  readonly isCancelling: boolean;
  readonly eventCount: number;
  readonly checkpoint: Uint8Array | null;
}

/** Events that were stored together. */
export interface BatchRow {
  readonly first: number;
  readonly content: Uint8Array;
}

export interface BatchRange {
  readonly after: number;
  /** How many batches at most. */
  readonly limit: number;
}

export interface RunAddition {
  readonly owner: string;
  readonly first: number;
  /** Of its events. */
  readonly count: number;
  /** Null where there are no events. */
  readonly content: Uint8Array | null;
  readonly checkpoint: Uint8Array | null;
  /** Null: the run ends. */
  readonly leaseUntilMs: number | null;
  /** Null: the run goes on. */
  readonly keptUntilMs: number | null;
}

export interface RunRowStore {
  insert(row: NewRunRow, limits: RunLimits): Promise<boolean>;
  find(key: RunKey): Promise<RunRow | null>;
  /** Those with an event behind `after`, in order. */
  listBatches(key: RunKey, from: BatchRange): Promise<readonly BatchRow[]>;
  append(key: RunKey, addition: RunAddition): Promise<RunState>;
  cancel(key: RunKey): Promise<boolean>;
  claim(claim: LapsedClaim): Promise<readonly RunRow[]>;
  remove(key: RunKey): Promise<boolean>;
  removeExpired(nowMs: number): Promise<number>;
  close(): Promise<void>;
}

/** Batches that are read in one go. */
export const BATCHES_MAX = 64;
/** Runs that a sweep removes in one go. */
export const EXPIRED_RUNS_MAX = 64;

const rowSchema = z.object({
  account_id: z.string(),
  id: z.string(),
  owner: z.string(),
  created_at_ms: z.number(),
  lease_until_ms: z.number().nullable(),
  is_cancelling: z.number(),
  event_count: z.number(),
  content: z.instanceof(Uint8Array),
  checkpoint: z.instanceof(Uint8Array).nullable(),
});

/** A row is the same in all databases. @throws Error when something other than this program wrote it */
export function decodeRunRow(row: Readonly<Record<string, unknown>>): RunRow {
  const run = rowSchema.parse(row);
  return {
    accountId: run.account_id,
    id: run.id,
    owner: run.owner,
    createdAtMs: run.created_at_ms,
    leaseUntilMs: run.lease_until_ms,
    isCancelling: run.is_cancelling !== 0,
    eventCount: run.event_count,
    content: run.content,
    checkpoint: run.checkpoint,
  };
}

const batchSchema = z.object({ first_number: z.number(), content: z.instanceof(Uint8Array) });

/** @throws Error when something other than this program wrote it */
export function decodeBatchRow(row: Readonly<Record<string, unknown>>): BatchRow {
  const { first_number: first, content } = batchSchema.parse(row);
  return { first, content };
}
