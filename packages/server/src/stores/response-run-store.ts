/** Responses that run in the background as rows of a database: encoded, and encrypted where there is a key. */

import type { StoredResponseRun, ResponseRunStore, RunKey } from "@openai-compat/core";
import { z } from "zod";
import type { ContentBox, SealedKey } from "./content-box.ts";
import { BATCHES_MAX } from "./run-rows.ts";
import type { RunRow, RunRowStore } from "./run-rows.ts";

const wireSchema = z.record(z.string(), z.unknown());
const batchSchema = z.array(wireSchema);

export function createResponseRunStore(rows: RunRowStore, box: ContentBox): ResponseRunStore {
  const decode = ({ content, checkpoint, ...row }: RunRow): StoredResponseRun => ({
    ...row,
    content: box.open(wireSchema, content, keyOf(row, "run")),
    checkpoint: checkpoint === null ? null : box.open(wireSchema, checkpoint, keyOf(row, "run-checkpoint")),
  });
  const list = async (key: RunKey, after: number, limit: number) => {
    const batches = await rows.listBatches(key, { after, limit });
    return batches.flatMap(({ first, content }) => {
      const events = box.open(batchSchema, content, keyOfBatch(key, first));
      return events.slice(Math.max(0, after + 1 - first));
    });
  };
  return {
    begin: (run, limits) => rows.insert({ ...run, content: box.seal(run.content, keyOf(run, "run")) }, limits),
    async find(key) {
      const row = await rows.find(key);
      return row === null ? null : decode(row);
    },
    listEvents: (key, after) => list(key, after, BATCHES_MAX),
    async findEvent(key, number) {
      return (await list(key, number - 1, 1))[0] ?? null;
    },
    append({ owner, ...key }, { first, events, checkpoint, lease }) {
      return rows.append(key, {
        owner,
        first,
        count: events.length,
        content: events.length === 0 ? null : box.seal(events, keyOfBatch(key, first)),
        checkpoint: checkpoint === null ? null : box.seal(checkpoint, keyOf(key, "run-checkpoint")),
        leaseUntilMs: "untilMs" in lease ? lease.untilMs : null,
        keptUntilMs: "keptUntilMs" in lease ? lease.keptUntilMs : null,
      });
    },
    cancel: (key) => rows.cancel(key),
    async claimLapsed(claim) {
      return (await rows.claim(claim)).map(decode);
    },
    remove: (key) => rows.remove(key),
    removeExpired: (nowMs) => rows.removeExpired(nowMs),
    close: () => rows.close(),
  };
}

function keyOf({ accountId, id }: RunKey, kind: SealedKey["kind"]): SealedKey {
  return { accountId, kind, id, chainId: null };
}

function keyOfBatch({ accountId, id }: RunKey, first: number): SealedKey {
  return { accountId, kind: "run-events", id: String(first), chainId: id };
}
