import { expect, test } from "vitest";
import type { Check } from "./check.ts";
import { isJwt, matchesPattern, planChecks, UnmatchedPatternError } from "./plan.ts";
import { sampleCheck } from "./sample-check.fixture.ts";

const define = (id: string, needs: Check["needs"] = []): Check => sampleCheck({ id, needs });

const TARGET = { baseUrl: "http://h/v1", keys: { full: "opaque" }, models: {} };
const CHECKS = [define("chat.a"), define("chat.b", ["key:expired", "jwt"]), define("models.a", ["key:full"])];

test.each([
  ["chat.stream.done", true],
  ["chat.stream", true],
  ["chat", true],
  ["chat.*.done", true],
  ["*done", true],
  ["chat.str", false],
  ["stream", false],
  ["chat.stream.done.x", false],
  ["chat-stream", false],
])("the pattern %s selects chat.stream.done: %s", (pattern, selects) => {
  expect(matchesPattern("chat.stream.done", pattern)).toBe(selects);
});

test("a missing fixture is named for each check that needs it", () => {
  const plan = planChecks(CHECKS, TARGET);
  expect(plan.map(({ skip }) => skip?.outcome ?? "run")).toEqual(["run", "not-testable", "run"]);
  expect(plan[1]?.skip?.reason).toBe("the target's recipe has no key `expired`; the full key is no JSON Web Token");
});

test("what was prepared for checks, and models beside the one for chat, are needs like any other", () => {
  const check = define("limits.a", ["fixture:rate_limited", "model:upstream_down"]);
  const [bare] = planChecks([check], TARGET);
  expect(bare?.skip?.reason).toBe(
    "the target's recipe has no fixture `rate_limited`; no upstream_down model is known: name one in the recipe",
  );
  const prepared = { ...TARGET, models: { upstream_down: "m" }, fixtures: { rate_limited: { requestsPerMinute: 3 } } };
  expect(planChecks([check], prepared)[0]?.skip).toBeNull();
});

test("only plans the selected checks, and a disabled one stays visible", () => {
  const plan = planChecks(CHECKS, TARGET, { only: ["chat"], disable: ["chat.a"] });
  expect(plan.map(({ check, skip }) => [check.id, skip?.outcome])).toEqual([
    ["chat.a", "disabled"],
    ["chat.b", "not-testable"],
  ]);
});

test.each([{ only: ["chat", "nope"] }, { disable: ["nope"] }])(
  "a pattern that selects nothing is an error: %o",
  (selection) => {
    expect(() => planChecks(CHECKS, TARGET, selection)).toThrow(UnmatchedPatternError);
  },
);

test("a key is a JSON Web Token when it has three parts and a header with alg", () => {
  const header = Buffer.from('{"alg":"HS256"}').toString("base64url");
  expect(isJwt(`${header}.e30.x`)).toBe(true);
  for (const key of ["sk-abc", `${header}.e30`, "a.b.c", `${Buffer.from("{}").toString("base64url")}.e30.x`]) {
    expect(isJwt(key)).toBe(false);
  }
});
