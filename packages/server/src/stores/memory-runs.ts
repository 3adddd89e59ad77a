/** Responses that run in the background, forgotten when the process ends. */

import type { RunKey } from "@openai-compat/core";
import { EXPIRED_RUNS_MAX } from "./run-rows.ts";
import type { BatchRow, NewRunRow, RunRow, RunRowStore } from "./run-rows.ts";

interface MemoryRun {
  row: RunRow;
  keptUntilMs: number | null;
  readonly batches: (BatchRow & { readonly last: number })[];
}

export function createMemoryRuns(): RunRowStore {
  const runs = new Map<string, MemoryRun>();
  const keyOf = ({ accountId, id }: RunKey) => JSON.stringify([accountId, id]);
  const find = (key: RunKey) => runs.get(keyOf(key));

  function insert(row: NewRunRow, { runningMax, endedMax }: Parameters<RunRowStore["insert"]>[1]): boolean {
    if (find(row) !== undefined) throw new Error("There is a run with this id already.");
    const own = [...runs.values()].filter((run) => run.row.accountId === row.accountId);
    if (own.filter(isRunning).length >= runningMax) return false;
    const ended = own.filter((run) => !isRunning(run)).toSorted((left, right) => keptUntil(right) - keptUntil(left));
    for (const old of ended.slice(endedMax)) runs.delete(keyOf(old.row));
    const begun: RunRow = { ...row, isCancelling: false, eventCount: 0, checkpoint: null };
    runs.set(keyOf(row), { row: begun, keptUntilMs: null, batches: [] });
    return true;
  }

  return {
    insert: async (row, limits) => insert(row, limits),
    find: async (key) => find(key)?.row ?? null,
    async listBatches(key, { after, limit }) {
      const batches = find(key)?.batches ?? [];
      return batches.filter(({ last }) => last > after).slice(0, limit);
    },
    async append(key, { owner, first, count, content, checkpoint, leaseUntilMs, keptUntilMs }) {
      const run = find(key);
      if (run === undefined || !isRunning(run) || run.row.owner !== owner || run.row.eventCount !== first)
        return "lost";
      const { row } = run;
      run.row = { ...row, leaseUntilMs, eventCount: first + count, checkpoint: checkpoint ?? row.checkpoint };
      run.keptUntilMs = keptUntilMs;
      if (content !== null) run.batches.push({ first, last: first + count - 1, content });
      return row.isCancelling ? "cancelling" : "running";
    },
    async cancel(key) {
      const run = find(key);
      if (run === undefined || !isRunning(run)) return false;
      run.row = { ...run.row, isCancelling: true };
      return true;
    },
    async claim({ owner, nowMs, leaseUntilMs, limit }) {
      const lapsed = [...runs.values()].filter((run) => isRunning(run) && Number(run.row.leaseUntilMs) <= nowMs);
      return lapsed.slice(0, limit).map((run) => (run.row = { ...run.row, owner, leaseUntilMs }));
    },
    remove: async (key) => runs.delete(keyOf(key)),
    async removeExpired(nowMs) {
      const expired = [...runs].filter(([, run]) => !isRunning(run) && keptUntil(run) <= nowMs);
      const removed = expired.slice(0, EXPIRED_RUNS_MAX);
      for (const [key] of removed) runs.delete(key);
      return removed.length;
    },
    close: async () => runs.clear(),
  };
}

function isRunning({ row }: MemoryRun): boolean {
  return row.leaseUntilMs !== null;
}

function keptUntil({ keptUntilMs }: MemoryRun): number {
  return keptUntilMs ?? 0;
}
