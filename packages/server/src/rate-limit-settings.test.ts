import { expect, test } from "vitest";
import { findLimits } from "./rate-limit-settings.ts";

test("an account's own limits win, missing ones are the defaults, and null lifts a limit", () => {
  const limitsOf = findLimits({
    requestsPerMinute: 10,
    refusalsPerMinute: 600,
    tokensPerMinute: 1000,
    accounts: {
      ada: { requestsPerMinute: 3 },
      bob: { requestsPerMinute: null, tokensPerMinute: null, refusalsPerMinute: null },
    },
  });
  expect(limitsOf("ada")).toEqual({ requestsPerMinute: 3, tokensPerMinute: 1000, refusalsPerMinute: 600 });
  expect(limitsOf("bob")).toEqual({ requestsPerMinute: null, tokensPerMinute: null, refusalsPerMinute: null });
  expect(limitsOf("constructor")).toEqual({ requestsPerMinute: 10, refusalsPerMinute: 600, tokensPerMinute: 1000 });
});
