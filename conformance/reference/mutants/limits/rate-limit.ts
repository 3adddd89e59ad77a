/** Rate limits that are not enforced, apply to the wrong accounts, or report wrong values. */

import { BILLED_CALLS } from "../../../checks/support/billed-calls.ts";
import type { RateFacts, RateLimiter } from "../../accounts.ts";
import type { Reply } from "../../call.ts";
import { isChat, type Mutant, mutateRefusal, mutateReply, omit, parseSent, withHeader } from "../mutant.ts";

function mutateLimiter(
  id: string,
  description: string,
  intended: string,
  change: (limiter: RateLimiter) => RateLimiter,
): Mutant {
  return { id, description, intended: [intended], mutate: ({ limiter }) => ({ limiter: change(limiter) }) };
}

/** Changes the headers about the limit. */
function mutateHeaders(
  id: string,
  description: string,
  intended: string,
  change: (headers: Readonly<Record<string, string>>, facts: RateFacts) => Readonly<Record<string, string>>,
): Mutant {
  const naming = { id, description, intended: [intended] };
  return {
    ...naming,
    mutate: ({ rateHeaders }) => ({ rateHeaders: (facts) => change(rateHeaders(facts), facts) }),
  };
}

function isLimited({ status, headers }: Reply): boolean {
  return status === 429 && headers["x-ratelimit-remaining-requests"] === "0";
}

/** Who was refused once stays refused, and always hears the same wait. */
function refuseForEver(limiter: RateLimiter, resetMs: number): RateLimiter {
  const refused = new Set<string>();
  return (account) => {
    const facts = limiter(account);
    if (!facts.allowed) refused.add(account);
    return refused.has(account) ? { ...facts, allowed: false, resetMs } : facts;
  };
}

export const rateLimitMutants: readonly Mutant[] = [
  {
    id: "rate.not-enforced",
    description: "the limit is reported and not enforced",
    intended: [
      "limits.rate.refused",
      "limits.rate.realtime",
      ...BILLED_CALLS.flatMap(({ slug }) => (slug === "chat" ? [] : [`limits.rate.${slug}`])),
    ],
    mutate: ({ limiter }) => ({ limiter: (account) => ({ ...limiter(account), allowed: true }) }),
  },
  mutateReply(
    { id: "rate.is-503", description: "the limit is a 503", intended: ["limits.rate.refused"] },
    (reply, call) => isLimited(reply) && isChat(call) && parseSent(call)["stream"] !== true,
    () => ({ status: 503 }),
  ),
  mutateLimiter("rate.shared", "one account's limit refuses everyone", "limits.rate.others-unaffected", (limiter) => {
    let isOwed = false;
    return (account) => {
      const facts = limiter(account);
      if (!facts.allowed) isOwed = true;
      if (!isOwed || account !== "reference") return facts;
      isOwed = false;
      return { ...facts, allowed: false };
    };
  }),
  mutateLimiter(
    "rate.wait-is-a-constant",
    "the wait never becomes shorter",
    "limits.rate.retry-after-honest",
    (limiter) => refuseForEver(limiter, 60_000),
  ),
  mutateLimiter("rate.wait-is-too-short", "who waits is refused again", "limits.rate.retry-after-honest", (limiter) =>
    refuseForEver(limiter, 20),
  ),
  mutateHeaders("rate.no-retry-after", "the refusal names no wait", "limits.rate.retry-after", (headers) =>
    omit(omit(headers, "retry-after"), "retry-after-ms"),
  ),
  mutateHeaders("rate.waits-a-day", "the wait is a day", "limits.rate.retry-after-range", (headers, { allowed }) =>
    allowed ? headers : omit({ ...headers, "retry-after": "86400" }, "retry-after-ms"),
  ),
  mutateHeaders("rate.remaining-stands-still", "remaining is always 1", "limits.rate.remaining", (headers) => ({
    ...headers,
    "x-ratelimit-remaining-requests": "1",
  })),
  mutateHeaders(
    "rate.refusal-without-limit",
    "the refusal does not name the limit",
    "limits.rate.headers",
    (headers, facts) => (facts.allowed ? headers : omit(headers, "x-ratelimit-limit-requests")),
  ),
  mutateHeaders("rate.reset-without-unit", "the reset is a bare number", "limits.rate.coherent", (headers) => ({
    ...headers,
    "x-ratelimit-reset-requests": "60",
  })),
  mutateHeaders(
    "rate.more-than-all",
    "more remains than the limit",
    "limits.rate.coherent",
    (headers, { limit, remaining }) => ({
      ...headers,
      "x-ratelimit-remaining-requests": String(limit + remaining),
    }),
  ),
  mutateRefusal(
    { id: "rate.code-missing", description: "the refusal has no code", intended: ["limits.rate.code"] },
    (refusal) => refusal.name === "rate_limited",
    ({ message, type, param }) => ({ error: { message, type, param, code: null } }),
  ),
  mutateReply(
    {
      id: "rate.not-retried",
      description: "the refusal asks not to be tried again",
      intended: ["limits.rate.sdk-retries"],
    },
    isLimited,
    (reply) => withHeader(reply, "x-should-retry", "false"),
  ),
];
