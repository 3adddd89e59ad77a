/** More calls than a model has places for, and those who look on: what each of them waits for. */

import { setTimeout as wait } from "node:timers/promises";
import { Pool } from "undici";

export interface CrowdTarget {
  readonly baseUrl: string;
  readonly model: string;
  /** Of the account that sends the crowd. */
  readonly crowdKey: string;
  /** Of an account that comes late with one call. */
  readonly newcomerKey: string;
}

export interface CrowdExtent {
  readonly calls: number;
  readonly tokens: number;
}

export interface Call {
  readonly status: number;
  readonly elapsedMs: number;
  readonly retryAfter: string | null;
}

export interface CrowdResult {
  readonly calls: readonly Call[];
  readonly newcomer: Call;
  /** How many of the crowd were served before the newcomer. */
  readonly servedBeforeNewcomer: number;
  /** Times of `GET /v1/models` while the crowd was there, in milliseconds. */
  readonly modelListsMs: readonly number[];
}

const MODEL_LIST_INTERVAL_MS = 10;

/** @throws Error when the list of models can't be had at any time. */
export async function runCrowd(target: CrowdTarget, extent: CrowdExtent): Promise<CrowdResult> {
  const pool = new Pool(new URL(target.baseUrl).origin);
  try {
    // What is measured is the server's answer, not how long so many connections take to be made.
    await Promise.all(Array.from({ length: extent.calls }, () => listModels(pool, target)));
    return await sendCrowd(pool, target, extent);
  } finally {
    await pool.destroy();
  }
}

async function sendCrowd(pool: Pool, target: CrowdTarget, extent: CrowdExtent): Promise<CrowdResult> {
  let served = 0;
  let isOver = false;
  const crowd = Array.from({ length: extent.calls }, async () => {
    const call = await sendChat(pool, target, { key: target.crowdKey, tokens: extent.tokens });
    if (call.status === 200) served += 1;
    return call;
  });
  const watching = watchModels(pool, target, () => isOver);
  await Promise.race(crowd);
  const newcomer = await sendChat(pool, target, { key: target.newcomerKey, tokens: extent.tokens });
  const servedBeforeNewcomer = served;
  const calls = await Promise.all(crowd);
  isOver = true;
  return { calls, newcomer, servedBeforeNewcomer, modelListsMs: await watching };
}

async function sendChat(
  pool: Pool,
  { baseUrl, model }: CrowdTarget,
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

async function watchModels(pool: Pool, target: CrowdTarget, isOver: () => boolean): Promise<readonly number[]> {
  const timesMs: number[] = [];
  while (!isOver()) {
    timesMs.push(await listModels(pool, target));
    await wait(MODEL_LIST_INTERVAL_MS);
  }
  return timesMs;
}

/** @returns how long it took, in milliseconds. */
async function listModels(pool: Pool, { baseUrl, crowdKey }: CrowdTarget): Promise<number> {
  const startedAt = performance.now();
  const path = `${new URL(baseUrl).pathname}/models`;
  const headers = { authorization: `Bearer ${crowdKey}` };
  const { statusCode, body } = await pool.request({ path, method: "GET", headers });
  await body.dump();
  if (statusCode !== 200) throw new Error(`the list of models answered ${statusCode}`);
  return performance.now() - startedAt;
}
