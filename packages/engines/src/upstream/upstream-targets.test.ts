import { expect, test } from "vitest";
import { createCircuitBreaker } from "./circuit-breaker.ts";
import { createUpstreamTargets } from "./upstream-targets.ts";

const none = new Set<string>();

function createTargets(...names: string[]) {
  const clock = { ms: 0 };
  const options = { failuresMax: 1, openMs: 100, now: () => clock.ms };
  return { targets: createUpstreamTargets(names, () => createCircuitBreaker(options)), clock };
}

test("equally loaded targets take turns", () => {
  const { targets } = createTargets("a", "b", "c");
  const chosen = Array.from({ length: 6 }, () => {
    const lease = targets.lease(none);
    lease?.end("good");
    return lease?.target;
  });
  expect(chosen.slice(0, 3).toSorted((left, right) => (left ?? "").localeCompare(right ?? ""))).toEqual([
    "a",
    "b",
    "c",
  ]);
  expect(chosen.slice(3)).toEqual(chosen.slice(0, 3));
});

test("a call goes to the target with the fewest running calls", () => {
  const { targets } = createTargets("a", "b", "c");
  const leases = Array.from({ length: 7 }, () => targets.lease(none));
  expect(
    targets
      .status()
      .map(({ running }) => running)
      .sort((left, right) => left - right),
  ).toEqual([2, 2, 3]);
  for (const lease of leases) if (lease?.target === "b") lease.end("good");
  expect([targets.lease(none)?.target, targets.lease(none)?.target]).toEqual(["b", "b"]);
});

test("a target that was tried is not chosen again", () => {
  const { targets } = createTargets("a", "b");
  expect(targets.lease(new Set(["a"]))?.target).toBe("b");
  expect(targets.lease(new Set(["a", "b"]))).toBeNull();
});

test("an open circuit is skipped, and the wait is that of the first to allow a call", () => {
  const { targets, clock } = createTargets("a", "b");
  targets.lease(new Set(["b"]))?.end("broken");
  clock.ms = 40;
  expect(targets.lease(none)?.target).toBe("b");
  expect(targets.waitMs()).toBe(0);
  targets.lease(new Set(["a"]))?.end("broken");
  expect(targets.lease(none)).toBeNull();
  expect(targets.waitMs()).toBe(60);
  expect(targets.status()).toEqual([
    { index: 0, state: "open", running: 0, failures: 1, failovers: 1 },
    { index: 1, state: "open", running: 1, failures: 1, failovers: 1 },
  ]);
});
