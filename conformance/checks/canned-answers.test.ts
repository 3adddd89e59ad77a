/**
 * Servers that give the same answer to every request. Whatever an answer lacks is the target's doing: no check may break
 * on it, which would be said to be the suite's own fault.
 */

import { expect, test } from "vitest";
import type { RunLimits } from "../src/limits.ts";
import { planChecks } from "../src/plan.ts";
import { runChecks } from "../src/runner.ts";
import { KEY_NAMES, MODEL_ROLES, type Target } from "../src/target.ts";
import { serveForTest } from "../src/test-server.fixture.ts";
import { checks } from "./index.ts";

const LIMITS: Partial<RunLimits> = {
  checkTimeoutMs: 2000,
  retriesMax: 0,
  restartWaitMsMax: 0,
  stuckChecksMax: 1_000_000,
  concurrency: 16,
};

/** With everything that a recipe can hold, so that each check is run. */
function composeTarget(baseUrl: string): Target {
  return {
    baseUrl,
    keys: Object.fromEntries(KEY_NAMES.map((name) => [name, `eyJhbGciOiJIUzI1NiJ9.e30.${name}`])),
    models: Object.fromEntries(MODEL_ROLES.map((role) => [role, `model-${role}`])),
    fixtures: {
      small_credit: { affordableCalls: 1, maxTokens: 4 },
      rate_limited: { requestsPerMinute: 1 },
      overload: {
        model: "m",
        concurrency: 1,
        waitingMax: 1,
        others: { embedding: "e", transcription: "t", speech: "s" },
      },
      upstream_secret: "upstream-canary-4711",
      body_bytes_max: 65_536,
    },
  };
}

const STREAM = "text/event-stream";

const CANNED = [
  ["{}", "application/json"],
  ["null", "application/json"],
  ["7", "application/json"],
  ["<!doctype html><title>Hello</title>", "text/html"],
  ['{"data":[null],"choices":[null],"words":[null],"segments":[null]}', "application/json"],
  ['{"data":[{}],"choices":[{}],"usage":{},"words":[{}],"text":null,"value":null,"session":null}', "application/json"],
  ['data: {"choices":[null],"type":7}\n\ndata: {"choices":[{"delta":null,"text":null}]}\n\ndata: null\n\n', STREAM],
] as const;

test.each(CANNED)(
  "no check breaks on %j (%s) as the answer to everything",
  { timeout: 300_000 },
  async (body, type) => {
    const baseUrl = await serveForTest((request, response) => {
      request.resume();
      request.on("end", () => response.writeHead(200, { "content-type": type }).end(body));
    });
    const target = composeTarget(baseUrl);
    const results = await runChecks({ target, plan: planChecks(checks, target), limits: LIMITS });
    expect(results.filter(({ outcome }) => outcome === "pass").length).toBeLessThan(results.length / 2);
    const broken = results.filter(({ outcome }) => outcome === "harness-error");
    expect(broken.map(({ check, reason }) => `${check.id}: ${reason}`)).toEqual([]);
  },
);
