/**
 * Notices that a server which has answered no longer does, and which check did that to it: a crash must fail somewhere
 * by name, though each request that meets a closed door proves nothing. It asks only where a check met silence.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { createCheckContext } from "./create-check-context.ts";
import type { Exchange } from "./exchange.ts";
import { isUnreachable } from "./exchange-recording.ts";
import type { RunLimits } from "./limits.ts";
import type { CheckResult } from "./outcome.ts";
import { describeExchange } from "./response-body.ts";
import type { Target } from "./target.ts";

/** A connection that is lost now and then is no dead server: so often is asked before it counts as one. */
const PROBES = 3;
const BETWEEN_PROBES_MS = 250;

/** Why nothing answers `GET /models` any more, in a line; null when something does, whatever it says. */
export type ProbeServer = () => Promise<string | null>;

/** @param signal ends the probe; it then throws the signal's reason */
export function createServerProbe(
  target: Target,
  { checkTimeoutMs }: Pick<RunLimits, "checkTimeoutMs">,
  signal: AbortSignal,
): ProbeServer {
  return async () => {
    const { context } = createCheckContext({ target, signal });
    let silence: string | null = null;
    for (let probe = 0; probe < PROBES; probe += 1) {
      if (probe > 0) await sleep(BETWEEN_PROBES_MS, undefined, { signal });
      const startedAt = performance.now();
      const bounds = { disconnectAfterMs: checkTimeoutMs, disconnectAfterBytes: 1 };
      const exchange = await context.wire({ method: "GET", path: "/models", ...bounds });
      if (exchange.response !== null) return null;
      silence = describeExchange(exchange);
      // A server that took a whole time limit to say nothing is not asked again.
      if (performance.now() - startedAt >= checkTimeoutMs) return `no response within ${checkTimeoutMs} ms`;
    }
    return silence;
  };
}

/** A check after which nothing answered any more. */
export interface ServerEnd {
  /** Its result as it was. */
  readonly before: CheckResult;
  /** Its result as it has to be. */
  readonly after: CheckResult;
}

export class ServerWatch {
  readonly #probe: ProbeServer;
  #lastAnswered: CheckResult | null = null;
  #end: ServerEnd | null = null;

  constructor(probe: ProbeServer) {
    this.#probe = probe;
  }

  /** The check that ended the server; null while it answers, or when it never has in this run. */
  get end(): ServerEnd | null {
    return this.#end;
  }

  /** Called with each result of a check that was run, in the order of their ends. */
  async observe(result: CheckResult): Promise<void> {
    const hasAnswer = result.exchanges.some(({ response }) => response !== null);
    if (!hasAnswer && this.#lastAnswered === null) return;
    const silence = metSilence(result) ? await this.#probe() : null;
    if (silence !== null) this.#close(hasAnswer || wasAccepted(result) ? result : this.#lastAnswered, silence);
    if (hasAnswer) this.#lastAnswered = result;
  }

  /** Called when no check is left: what the last one did to the server shows only now. */
  async finish(): Promise<void> {
    if (this.#end !== null || this.#lastAnswered === null) return;
    const silence = await this.#probe();
    if (silence !== null) this.#close(this.#lastAnswered, silence);
  }

  #close(result: CheckResult | null, silence: string): void {
    if (result === null || this.#end !== null) return;
    this.#end = { before: result, after: blameForEnd(result, silence) };
  }
}

function metSilence({ exchanges, inconclusiveCause }: CheckResult): boolean {
  return inconclusiveCause === "timeout" || exchanges.some(({ response }) => response === null);
}

/** Whether the first request found somebody to take it. */
function wasAccepted({ exchanges: [first] }: CheckResult): boolean {
  return first !== undefined && !isUnreachable(first);
}

/** Whatever the check's level is: no input may end a server. */
function blameForEnd(result: CheckResult, silence: string): CheckResult {
  const expected = "the server to answer on";
  const culprit = findCulprit(result.exchanges);
  const last = culprit === undefined ? "" : ` after ${culprit.request.method} ${readPath(culprit)}`;
  const actual = `it stopped answering${last}: GET /models now gives ${silence}`;
  return {
    ...result,
    outcome: "fail",
    reason: `expected ${expected}, got: ${actual}`,
    observer: "wire",
    expected,
    actual,
    inconclusiveCause: null,
    evidence: culprit ?? result.evidence,
    endedServer: true,
  };
}

/** The first request that was taken and not answered, else the last one that was answered. */
function findCulprit(exchanges: readonly Exchange[]): Exchange | undefined {
  return (
    exchanges.find((exchange) => exchange.response === null && !isUnreachable(exchange)) ??
    exchanges.findLast(({ response }) => response !== null)
  );
}

function readPath({ request }: Exchange): string {
  return new URL(request.url).pathname;
}
