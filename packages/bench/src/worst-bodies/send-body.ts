/** Sends one body and, as long as its answer lasts, asks for `/healthz` again and again on another connection. */

import { setTimeout as wait } from "node:timers/promises";
import type { Pool } from "undici";
import type { ServerTarget } from "../local-server.ts";
import type { WorstBody } from "./worst-body.ts";

export interface Beside {
  /**
   * Of HTTP; `cut off` after its time, `reset` where the server ended the connection, `gone` where it ended altogether.
   */
  readonly status: number | "cut off" | "reset" | "gone";
  readonly elapsedMs: number;
  /** The longest `GET /healthz` during it. */
  readonly healthMaxMs: number;
}

/** Who sends more than that has been seen to do its worst. */
const CALL_TIME_MS_MAX = 4000;
const PROBE_INTERVAL_MS = 4;
/** What a call leaves behind when it is cut off shows in these. */
const PROBES_AFTER = 10;

/** @throws Error when `/healthz` can't be had. */
export async function sendBody(pool: Pool, target: ServerTarget, body: WorstBody): Promise<Beside> {
  const bytes = Buffer.from(body.make());
  let isOver = false;
  const probing = probe(pool, () => isOver);
  probing.catch(() => {});
  const startedAt = performance.now();
  const status = await send(pool, target, { path: body.path, bytes });
  const elapsedMs = performance.now() - startedAt;
  isOver = true;
  return { status, elapsedMs, healthMaxMs: await probing };
}

async function send(
  pool: Pool,
  { baseUrl, apiKey }: ServerTarget,
  { path, bytes }: { readonly path: string; readonly bytes: Buffer },
): Promise<Beside["status"]> {
  const signal = AbortSignal.timeout(CALL_TIME_MS_MAX);
  try {
    const { statusCode, body } = await pool.request({
      path: `${new URL(baseUrl).pathname}${path}`,
      method: "POST",
      headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
      body: bytes,
      signal,
    });
    await body.dump({ limit: Number.POSITIVE_INFINITY, signal });
    return statusCode;
  } catch (thrown) {
    if (signal.aborted) return "cut off";
    if (thrown instanceof Error && "code" in thrown) return "reset";
    throw thrown;
  }
}

async function probe(pool: Pool, isOver: () => boolean): Promise<number> {
  let longestMs = 0;
  for (let after = 0; after < PROBES_AFTER; after += isOver() ? 1 : 0) {
    const startedAt = performance.now();
    const { statusCode, body } = await pool.request({ path: "/healthz", method: "GET" });
    await body.dump();
    if (statusCode !== 200) throw new Error(`/healthz answered ${statusCode}`);
    longestMs = Math.max(longestMs, performance.now() - startedAt);
    await wait(PROBE_INTERVAL_MS);
  }
  return longestMs;
}
