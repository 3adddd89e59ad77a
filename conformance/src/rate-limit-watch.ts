/**
 * Waits when the target limits our rate, as long as it says, and runs the check again; then sends more slowly. What a
 * rate limit answered says nothing about a check. Where waiting does not help, the rest of the run is not tried.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { createCheckContext } from "./create-check-context.ts";
import type { Exchange } from "./exchange.ts";
import { isJsonObject } from "./json-object.ts";
import type { RunLimits } from "./limits.ts";
import type { Pace } from "./pace.ts";
import type { CheckResult } from "./outcome.ts";
import { bodyObject, describeExchange } from "./response-body.ts";
import type { Target } from "./target.ts";

const FIRST_WAIT_MS = 500;
/** A request that is told to come back later than this is asked after this time. */
const WAIT_MS_MAX = 60_000;
/** A check that meets the limit so often, though a plain request does not, sends more than the limit allows. */
const RERUNS_MAX = 6;

export interface RateLimitOptions {
  readonly target: Target;
  readonly limits: Pick<RunLimits, "rateLimitWaitMsMax" | "preflightTimeoutMs">;
  readonly pace: Pace;
  readonly signal: AbortSignal;
}

export class RateLimitWatch {
  readonly #options: RateLimitOptions;
  #end: string | null = null;

  constructor(options: RateLimitOptions) {
    this.#options = options;
  }

  /** Why nothing more can be asked; null while something can. */
  get end(): string | null {
    return this.#end;
  }

  /** @returns the result as it is without a rate limit */
  async settle(first: CheckResult, run: () => Promise<CheckResult>): Promise<CheckResult> {
    let result = first;
    for (let rerun = 0; rerun < RERUNS_MAX && this.#end === null && metLimit(result); rerun += 1) {
      const limited = result.exchanges.findLast(isLimited);
      const wasLimited = await this.#waitUntilServed();
      if (this.#end !== null) return describeLimited(result, this.#end);
      // Plain requests are served: the 429 was about this check's own doing, unless the check says otherwise.
      if (!wasLimited && result.inconclusiveCause !== "rate-limited") return result;
      this.#options.pace.slow();
      if (!wasLimited) await this.#sleep(readWaitMs(limited, FIRST_WAIT_MS));
      result = await run();
    }
    return result;
  }

  /** @returns whether the first plain request was limited */
  async #waitUntilServed(): Promise<boolean> {
    let waitedMs = 0;
    for (let probes = 0; ; probes += 1) {
      const exchange = await this.#sendPlain();
      if (!isLimited(exchange)) return probes > 0;
      const { rateLimitWaitMsMax } = this.#options.limits;
      const waitMs = readWaitMs(exchange, FIRST_WAIT_MS * 2 ** Math.min(probes, 6));
      if (isQuotaSpent(exchange)) {
        this.#end = `the account of the key \`full\` has nothing left: ${describeExchange(exchange)}`;
        return true;
      }
      if (waitedMs + waitMs > rateLimitWaitMsMax) {
        this.#end = `the target limits our rate, and ${rateLimitWaitMsMax} ms of waiting did not help: ${describeExchange(exchange)}`;
        return true;
      }
      waitedMs += waitMs;
      await this.#sleep(waitMs);
    }
  }

  async #sendPlain(): Promise<Exchange> {
    const { target, limits, signal } = this.#options;
    const { context } = createCheckContext({ target, signal });
    const { chat } = target.models;
    const bounds = { disconnectAfterMs: limits.preflightTimeoutMs };
    if (chat === undefined) return context.wire({ method: "GET", path: "/models", ...bounds });
    const body = JSON.stringify({ model: chat, messages: [{ role: "user", content: "Hello." }], max_tokens: 1 });
    return context.wire({ method: "POST", path: "/chat/completions", body, ...bounds });
  }

  async #sleep(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#options.signal });
  }
}

function isLimited({ response }: Exchange): boolean {
  return response?.status === 429;
}

/** A check that passed or was skipped has no use for another answer. */
function metLimit({ outcome, exchanges }: CheckResult): boolean {
  const isOpen = outcome === "fail" || outcome === "warn" || outcome === "inconclusive";
  return isOpen && exchanges.some(isLimited);
}

/** Seconds, or a date (RFC 9110 section 10.2.3). */
function readWaitMs(exchange: Exchange | undefined, fallbackMs: number): number {
  const { headers = {} } = exchange?.response ?? {};
  const exactMs = Number.parseFloat(headers["retry-after-ms"] ?? "");
  const text = headers["retry-after"] ?? "";
  const seconds = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  const told = [exactMs, seconds].find((ms) => Number.isFinite(ms) && ms >= 0);
  return Math.min(WAIT_MS_MAX, told ?? fallbackMs);
}

function isQuotaSpent(exchange: Exchange): boolean {
  const { error } = bodyObject(exchange);
  return isJsonObject(error) && error["code"] === "insufficient_quota";
}

function describeLimited(result: CheckResult, why: string): CheckResult {
  return {
    ...result,
    outcome: "inconclusive",
    reason: why,
    observer: null,
    expected: null,
    actual: null,
    inconclusiveCause: "rate-limited",
  };
}
