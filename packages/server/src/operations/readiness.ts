/**
 * Whether the server can do its work now: each part is asked, within a time. The answer names parts that are not ready
 * and nothing else; why is for the log, and operators see their local models too. Anybody may ask, so no part is asked more often than it
 * says.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { describeThrown } from "../describe-thrown.ts";
import type { DecoderReading } from "./decoder-metrics.ts";
import type { LoadReading, ProcessReading } from "./load-metrics.ts";

export interface ReadinessPart {
  /** Shown to anybody, so no address and no path. */
  readonly name: string;
  /** Resolves when the part works, else rejects. */
  readonly check: () => Promise<unknown>;
  /** How long its last answer, good or bad, is good enough. Default 0: it is asked each time. */
  readonly intervalMs?: number;
}

export interface ReadinessOptions {
  readonly parts: readonly ReadinessPart[];
  /** How long all parts together may take; a part that has not answered by then is not ready. */
  readonly timeoutMs: number;
  /** Called with each part that is not ready. */
  readonly onNotReady: (name: string, reason: string) => void;
  /** Milliseconds on a clock that never goes back. Default `performance.now`. */
  readonly now?: () => number;
}

export interface Readiness {
  /** The names of the parts that are not ready. */
  check(): Promise<readonly string[]>;
}

/** Callers that come while a check runs share it, so that asking often costs the stores nothing more. */
export function createReadiness(options: ReadinessOptions): Readiness {
  const { parts, timeoutMs, onNotReady, now = () => performance.now() } = options;
  let running: Promise<readonly string[]> | null = null;
  /** A part that hangs is not asked again until it has answered. */
  const unanswered = new Map<string, Promise<string | null>>();
  const answered = new Map<string, { readonly reason: string | null; readonly atMs: number }>();

  /** @returns why it is not ready; null when it is. */
  async function ask({ name, check, intervalMs = 0 }: ReadinessPart): Promise<string | null> {
    const last = answered.get(name);
    if (last !== undefined && now() - last.atMs < intervalMs) return last.reason;
    const asked = unanswered.get(name);
    if (asked !== undefined) return asked;
    const answer = Promise.resolve()
      .then(check)
      .then(() => null, describeThrown)
      .then((reason) => {
        unanswered.delete(name);
        answered.set(name, { reason, atMs: now() });
        return reason;
      });
    unanswered.set(name, answer);
    return answer;
  }

  async function checkAll(): Promise<readonly string[]> {
    const timer = new AbortController();
    const late = sleep(timeoutMs, `no answer within ${timeoutMs} ms`, { signal: timer.signal, ref: false });
    late.catch(() => {});
    const failures = await Promise.all(
      parts.map(async (part) => ({ name: part.name, reason: await Promise.race([ask(part), late]) })),
    );
    timer.abort();
    return failures.flatMap(({ name, reason }) => {
      if (reason === null) return [];
      onNotReady(name, reason);
      return [name];
    });
  }

  return {
    check() {
      running ??= checkAll().finally(() => {
        running = null;
      });
      return running;
    },
  };
}

export interface ReadinessDetails {
  readonly loads: readonly LoadReading[];
  readonly decoders: DecoderReading;
}

/** @param details null for who may not see them */
export function encodeReadiness(notReady: readonly string[], details: ReadinessDetails | null = null): Response {
  const isReady = notReady.length === 0;
  const body = {
    status: isReady ? "ready" : "not_ready",
    ...(!isReady && { not_ready: notReady }),
    ...(details !== null && details.loads.length > 0 && { local_models: details.loads.map(encodeLocalModel) }),
    // Whoever decodes no audio has no use for it.
    ...(details !== null && details.decoders.starts > 0 && { audio_decoders: encodeDecoders(details.decoders) }),
  };
  return Response.json(body, { status: isReady ? 200 : 503, headers: { "cache-control": "no-store" } });
}

function encodeLocalModel({ modelId, processes, losses, restarts, retryAfterMs, lastProblem }: LoadReading): object {
  return {
    model: modelId,
    processes: processes.map(encodeProcess),
    losses,
    restarts,
    retry_after_ms: retryAfterMs,
    last_problem: lastProblem,
  };
}

function encodeDecoders({ processes, losses }: DecoderReading): object {
  return { processes: processes.map(encodeProcess), losses };
}

function encodeProcess({ pid, rssBytes }: ProcessReading): object {
  return { pid, resident_bytes: rssBytes };
}
