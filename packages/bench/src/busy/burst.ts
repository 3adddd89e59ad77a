/** A burst of more calls than a model has slots, and concurrent other calls: how long each of them waits. */

import { setTimeout as wait } from "node:timers/promises";
import { Pool } from "undici";

export interface BurstTarget {
  readonly baseUrl: string;
  readonly model: string;
  /** Of the account that sends the burst. */
  readonly burstKey: string;
  /** Of an account that comes late with one call. */
  readonly newcomerKey: string;
}

export interface BurstExtent {
  readonly calls: number;
  readonly tokens: number;
}

export interface Call {
  readonly status: number;
  readonly elapsedMs: number;
  readonly retryAfter: string | null;
}

export interface BurstResult {
  readonly calls: readonly Call[];
  readonly newcomer: Call;
  /** How many of the burst were served before the newcomer. */
  readonly servedBeforeNewcomer: number;
  /** Times of `GET /v1/models` during the burst, in milliseconds. */
  readonly modelListsMs: readonly number[];
}

const MODEL_LIST_INTERVAL_MS = 10;

/** @throws Error when the list of models can't be had at any time. */
export async function runBurst(target: BurstTarget, extent: BurstExtent): Promise<BurstResult> {
  const pool = new Pool(new URL(target.baseUrl).origin);
  try {
    // What is measured is the server's answer, not how long so many connections take to be made.
    await Promise.all(Array.from({ length: extent.calls }, () => listModels(pool, target)));
    return await sendBurst(pool, target, extent);
  } finally {
    await pool.destroy();
  }
}

async function sendBurst(pool: Pool, target: BurstTarget, extent: BurstExtent): Promise<BurstResult> {
  let served = 0;
  let isOver = false;
  const burst = Array.from({ length: extent.calls }, async () => {
    const call = await sendChat(pool, target, { key: target.burstKey, tokens: extent.tokens });
    if (call.status === 200) served += 1;
    return call;
  });
  const watching = watchModels(pool, target, () => isOver);
  await Promise.race(burst);
  const newcomer = await sendChat(pool, target, { key: target.newcomerKey, tokens: extent.tokens });
  const servedBeforeNewcomer = served;
  const calls = await Promise.all(burst);
  isOver = true;
  return { calls, newcomer, servedBeforeNewcomer, modelListsMs: await watching };
}

async function sendChat(
  pool: Pool,
  { baseUrl, model }: BurstTarget,
  { key, tokens }: { readonly key: string; readonly tokens: number },
): Promise<Call> {
  const messages = [{ role: "user", content: "Tell me a long story about a river." }];
  const startedAt = performance.now();
  const { statusCode, headers, body } = await pool.request({
    path: `${new URL(baseUrl).pathname}/chat/completions`,
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ model, messages, max_tokens: tokens, seed: 1 }),
  });
  await body.dump();
  const elapsedMs = performance.now() - startedAt;
  const retryAfter = headers["retry-after"];
  return { status: statusCode, elapsedMs, retryAfter: typeof retryAfter === "string" ? retryAfter : null };
}

async function watchModels(pool: Pool, target: BurstTarget, isOver: () => boolean): Promise<readonly number[]> {
  const timesMs: number[] = [];
  while (!isOver()) {
    timesMs.push(await listModels(pool, target));
    await wait(MODEL_LIST_INTERVAL_MS);
  }
  return timesMs;
}

/** @returns how long it took, in milliseconds. */
async function listModels(pool: Pool, { baseUrl, burstKey }: BurstTarget): Promise<number> {
  const startedAt = performance.now();
  const path = `${new URL(baseUrl).pathname}/models`;
  const headers = { authorization: `Bearer ${burstKey}` };
  const { statusCode, body } = await pool.request({ path, method: "GET", headers });
  await body.dump();
  if (statusCode !== 200) throw new Error(`the list of models answered ${statusCode}`);
  return performance.now() - startedAt;
}
