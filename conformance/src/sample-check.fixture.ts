/** A check for the suite's own tests: what they don't set is the same everywhere. */

import { type Check, defineCheck } from "./check.ts";

export function sampleCheck(overrides: Partial<Check> = {}): Check {
  return defineCheck({
    id: "chat.sample",
    area: "chat",
    level: "must",
    tier: "protocol",
    requirement: "It holds.",
    reference: "RFC 9110",
    breaks: "Everyone.",
    operation: null,
    needs: [],
    run: () => Promise.resolve(),
    ...overrides,
  });
}
