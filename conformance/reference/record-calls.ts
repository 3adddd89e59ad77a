/**
 * Records which functions of the wire each check makes the reference server call, with what, and what they return. Each
 * check has a server of its own, so that nothing of one check shows in the record of another.
 */

import type { Check } from "../src/check.ts";
import type { CheckResult } from "../src/outcome.ts";
import { planChecks } from "../src/plan.ts";
import { runChecks } from "../src/runner.ts";
import { startReferenceServer } from "./server.ts";
import { defineReferenceWire } from "./wire.ts";

/** A function of the wire that was called, or a value that was read. */
export interface RecordedCall {
  /** `reply`, `ledger.charge`, `operations.createSpeech.decode`. */
  readonly member: string;
  readonly parameters: readonly unknown[];
  /** The value itself where none was called. */
  readonly result: unknown;
}

export interface CheckRecord {
  readonly result: CheckResult;
  /** In their order. */
  readonly calls: readonly RecordedCall[];
}

/** Checks at once: they wait more than they work. */
const CONCURRENCY = 16;
/** Generous: what a slow machine delays must not be missing from the record. */
const LIMITS = { checkTimeoutMs: 60_000, runTimeoutMs: 120_000, concurrency: 1 };

/** One record for each check, in their order. */
export async function recordChecks(checks: readonly Check[]): Promise<readonly CheckRecord[]> {
  const records: CheckRecord[] = [];
  const queue = checks.entries();
  const work = async (): Promise<void> => {
    for (const [index, check] of queue) records[index] = await recordCheck(check);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  return records;
}

async function recordCheck(check: Check): Promise<CheckRecord> {
  const calls: RecordedCall[] = [];
  let isOver = false;
  const note = (call: RecordedCall): void => {
    if (!isOver) calls.push(call);
  };
  await using server = await startReferenceServer(recordMembers(defineReferenceWire(), "", note));
  const { target } = server;
  const [result] = await runChecks({
    target,
    limits: LIMITS,
    plan: planChecks([check], target),
    // What comes later, such as a look whether the server still answers, is no part of the check.
    onResult: () => (isOver = true),
  });
  if (result === undefined) throw new Error(`The check ${check.id} has no result.`);
  return { result, calls };
}

/** Objects whose functions are members of their own. All other values of the wire are members themselves. */
const GROUPS = /^(?:operations(?:\.[\w-]+)?|realtime|ledger|slots)$/;

function recordMembers<T extends object>(members: T, path: string, note: (call: RecordedCall) => void): T {
  return new Proxy(members, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      const member = path + String(name);
      if (GROUPS.test(member) && typeof value === "object" && value !== null) {
        return recordMembers(value, `${member}.`, note);
      }
      if (typeof value !== "function") {
        note({ member, parameters: [], result: value });
        return value;
      }
      return (...parameters: unknown[]): unknown => {
        const result: unknown = Reflect.apply(value, undefined, parameters);
        note({ member, parameters, result });
        return result;
      };
    },
  });
}
