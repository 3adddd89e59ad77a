import { AiError } from "@openai-compat/core";
import type { AiErrorCode } from "@openai-compat/core";
import { expect, test } from "vitest";
import { COUNTED_ACCOUNTS_MAX, createRefusalLimit } from "./refusal-limit.ts";

const MIB = 1024 * 1024;
const error = (code: AiErrorCode = "invalid_value") => new AiError(code, "no");

function createLimit(limit: number | null = 3) {
  const clock = { ms: 1000 };
  return { clock, limit: createRefusalLimit({ limitOf: () => limit, now: () => clock.ms }) };
}

test("after so many refusals an account is refused until its minute is over, and others are not", () => {
  const { limit, clock } = createLimit();
  for (let refusal = 0; refusal < 3; refusal += 1) {
    limit.check("ada");
    limit.count("ada", error(), 0);
  }
  clock.ms += 20_000;
  expect(() => limit.check("ada")).toThrow(
    expect.objectContaining({
      code: "rate_limited",
      retryAfterMs: 40_000,
      message: expect.stringContaining("Limit 3"),
    }),
  );
  limit.check("bob");
  clock.ms += 40_000;
  limit.check("ada");
  limit.count("ada", error(), 0);
  limit.check("ada");
});

test("a large body counts for more", () => {
  const { limit } = createLimit();
  limit.count("ada", error("body_too_large"), 2 * MIB);
  expect(() => limit.check("ada")).toThrow(expect.objectContaining({ code: "rate_limited" }));
});

test.each(["queue_full", "rate_limited", "quota_exceeded", "internal", "engine_failed", "cancelled"] as const)(
  "%s is not what the request did wrong, and doesn't count",
  (code) => {
    const { limit } = createLimit(1);
    limit.count("ada", error(code), 9 * MIB);
    limit.check("ada");
  },
);

test.each(["model_not_found", "wrong_model_type", "not_implemented"] as const)(
  "%s is known after the body was read alone, and counts",
  (code) => {
    const { limit } = createLimit(1);
    limit.count("ada", error(code), 0);
    expect(() => limit.check("ada")).toThrow(expect.objectContaining({ code: "rate_limited" }));
  },
);

test("a clock that is set back refuses no account for longer than its minute", () => {
  const { limit, clock } = createLimit(1);
  clock.ms = 10_000_000;
  limit.count("ada", error(), 0);
  clock.ms = 1000;
  limit.check("ada");
  limit.count("ada", error(), 0);
  expect(() => limit.check("ada")).toThrow(expect.objectContaining({ retryAfterMs: 60_000 }));
});

test("without a limit nothing is counted", () => {
  const { limit } = createLimit(null);
  for (let refusal = 0; refusal < 10; refusal += 1) limit.count("ada", error(), MIB);
  limit.check("ada");
});

test("so many accounts are remembered, and not one more", () => {
  const { limit } = createLimit(1);
  limit.count("first", error(), 0);
  for (let account = 1; account < COUNTED_ACCOUNTS_MAX; account += 1) limit.count(`${account}`, error(), 0);
  expect(() => limit.check("first")).toThrow(AiError);
  limit.count("one more", error(), 0);
  limit.check("first");
  expect(() => limit.check("one more")).toThrow(AiError);
});
