/**
 * Notices that a server which has answered no longer does, and which check did that to it: a crash must fail somewhere
 * by name, though each request that meets a closed door proves nothing. It asks only where a check met silence.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { createCheckContext } from "./create-check-context.ts";
import type { Exchange } from "./exchange.ts";
import { isLost, isUnreachable } from "./exchange-recording.ts";
import type { RunLimits } from "./limits.ts";
import type { CheckResult } from "./outcome.ts";
import { describeExchange } from "./response-body.ts";
import type { Target } from "./target.ts";

/** A connection that is lost now and then is no dead server: so often is asked before it counts as one. */
const PROBES = 3;
const BETWEEN_PROBES_MS = 250;

/** Why nothing answers `GET /models` any more, in a line; null when something does, whatever it says. */
export type ProbeServer = () => Promise<string | null>;

/** Resolves with how many milliseconds it took until something answered again; null when nothing did in time. */
export type WaitForRestart = () => Promise<number | null>;

const BETWEEN_LOOKS_MS = 500;

/** Looks again and again until the server is back or the time is up. */
export function createRestartWait(
  probe: ProbeServer,
  { restartWaitMsMax }: Pick<RunLimits, "restartWaitMsMax">,
  signal: AbortSignal,
): WaitForRestart {
  return async () => {
    const startedAt = performance.now();
    while (performance.now() - startedAt < restartWaitMsMax) {
      await sleep(BETWEEN_LOOKS_MS, undefined, { signal });
      if ((await probe()) === null) return performance.now() - startedAt;
    }
    return null;
  };
}

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
      if (exchange.response !== null && !isGatewayError(exchange)) return null;
      // Some servers have no list of models to give; a proxy before a dead one gives nothing at all.
      const other =
        exchange.response === null ? exchange : await context.wire({ method: "GET", path: NO_PATH, ...bounds });
      if (other.response !== null && !isGatewayError(other)) return null;
      silence = describeExchange(exchange);
      // A server that took a whole time limit to say nothing is not asked again.
      if (performance.now() - startedAt >= checkTimeoutMs) return `no response within ${checkTimeoutMs} ms`;
    }
    return silence;
  };
}

/** Nothing is there, so that a server which lives says 404. */
const NO_PATH = "/conformance-no-such-path";
/** What a proxy says when the server behind it is gone. */
const GATEWAY_STATUSES: readonly number[] = [502, 503, 504];

function isGatewayError({ response }: Exchange): boolean {
  return response !== null && GATEWAY_STATUSES.includes(response.status);
}

function isAnswer(exchange: Exchange): boolean {
  return exchange.response !== null && !isGatewayError(exchange);
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
  readonly #waitForRestart: WaitForRestart;
  readonly #ends: ServerEnd[] = [];
  #lastAnswered: CheckResult | null = null;
  #end: ServerEnd | null = null;

  constructor(probe: ProbeServer, waitForRestart: WaitForRestart = async () => null) {
    this.#probe = probe;
    this.#waitForRestart = waitForRestart;
  }

  /** The check that ended the server; null while it answers, or when it never has in this run. */
  get end(): ServerEnd | null {
    return this.#end;
  }

  /** Every check that ended the server, also where it came back. */
  get ends(): readonly ServerEnd[] {
    return this.#ends;
  }

  /** Called with each result of a check that was run, in the order of their ends. */
  async observe(result: CheckResult): Promise<void> {
    if (this.#end !== null) return;
    const hasAnswer = result.exchanges.some(isAnswer);
    if (!hasAnswer && this.#lastAnswered === null) return;
    const silence = metSilence(result) ? await this.#probe() : null;
    if (silence !== null) {
      this.#close(hasAnswer || wasAccepted(result) ? result : this.#lastAnswered, silence);
      await this.#reopen();
    }
    if (hasAnswer) this.#lastAnswered = result;
  }

  /**
   * Called with the results of checks that ran at the same time, in the order of their ends. Where the server answers
   * or comes back none of them is blamed: those that met silence are run again, each alone.
   */
  async observeTogether(results: readonly CheckResult[]): Promise<void> {
    const silent = results.filter(metSilence);
    const answered = results.findLast(({ exchanges }) => exchanges.some(isAnswer)) ?? null;
    const silence = silent.length === 0 || answered === null ? null : await this.#probe();
    if (silence !== null && (await this.#waitForRestart()) === null) {
      const lost = silent.find(({ exchanges }) => exchanges.some(isLost));
      this.#close(lost ?? silent.find(wasAccepted) ?? answered, silence);
    }
    this.#lastAnswered = answered;
  }

  /** Called when no check is left: what the last one did to the server shows only now. */
  async finish(): Promise<void> {
    if (this.#end !== null || this.#lastAnswered === null) return;
    const silence = await this.#probe();
    if (silence !== null) this.#close(this.#lastAnswered, silence);
  }

  #close(result: CheckResult | null, silence: string): void {
    if (result === null || this.#end !== null) return;
    const known = this.#ends.find(({ before }) => before === result);
    const end = known ?? { before: result, after: blameForEnd(result, silence) };
    if (known === undefined) this.#ends.push(end);
    this.#end = end;
  }

  /** Checks that end meanwhile find the server gone. */
  async #reopen(): Promise<void> {
    if ((await this.#waitForRestart()) !== null) this.#end = null;
  }
}

function metSilence({ exchanges, inconclusiveCause }: CheckResult): boolean {
  return inconclusiveCause === "timeout" || !exchanges.every(isAnswer);
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
