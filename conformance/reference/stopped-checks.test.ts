/** Checks whose time is up in the middle: whatever they were waiting for, none may leave a promise without an owner. */

import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { judgeInLots } from "./judge.ts";
import { defineReferenceWire } from "./wire.ts";

/** Node reports an unhandled rejection when the event loop has gone round. */
const REPORTED_AFTER_MS = 100;

test("no check leaves an unhandled rejection when it is stopped while nothing is answered", async () => {
  const unhandled: unknown[] = [];
  const collect = (reason: unknown): void => void unhandled.push(reason);
  process.on("unhandledRejection", collect);
  onTestFinished(() => void process.off("unhandledRejection", collect));
  const admission = (): Promise<never> => new Promise(() => {});
  const limits = { checkTimeoutMs: 200, runTimeoutMs: 120_000, concurrency: 1 };
  const results = await judgeInLots({ ...defineReferenceWire(), admission }, { lots: 32, limits });
  await sleep(REPORTED_AFTER_MS);
  expect(results.filter(({ inconclusiveCause }) => inconclusiveCause === "timeout").length).toBeGreaterThan(300);
  expect(unhandled).toEqual([]);
}, 120_000);
