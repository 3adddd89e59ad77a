/** Those who look on while a server is attacked: another account that chats, and somebody who asks whether it lives. */

import { setTimeout as wait } from "node:timers/promises";
import { Pool } from "undici";

export interface Watched {
  /** Of the API, with its port. */
  readonly baseUrl: string;
  readonly model: string;
  /** The victim's. */
  readonly apiKey: string;
}

export interface Observations {
  /** Of the chats that were answered with 200, in milliseconds. */
  readonly chatsMs: readonly number[];
  /** Chats that were refused or cut, by status; 0 for a connection that failed. */
  readonly failures: Readonly<Record<number, number>>;
  /** Of `GET /healthz`, in milliseconds. */
  readonly healthsMs: readonly number[];
  /** Of the server's process, in bytes. */
  readonly residentMax: number;
  readonly isAlive: boolean;
}

const CHAT_TOKENS = 8;
const CHAT_PAUSE_MS = 100;
const HEALTH_INTERVAL_MS = 20;
const MEMORY_INTERVAL_MS = 500;

/** @param readResident rejects when the process has ended. */
export async function observe(
  { baseUrl, model, apiKey }: Watched,
  readResident: () => Promise<number>,
  durationMs: number,
): Promise<Observations> {
  const endsAt = performance.now() + durationMs;
  // A chat that waits ends with the attack's time, or it would measure the time after.
  const signal = AbortSignal.timeout(durationMs + GRACE_MS);
  const { origin, pathname } = new URL(baseUrl);
  const pool = new Pool(origin, { headersTimeout: 0, bodyTimeout: 0 });
  const chatsMs: number[] = [];
  const healthsMs: number[] = [];
  const failures: Record<number, number> = {};
  let residentMax = 0;
  let isAlive = true;
  const isOver = () => !isAlive || performance.now() >= endsAt;

  const time = async (options: { method: "GET" | "POST"; path: string; body?: string }) => {
    const headers = { authorization: `Bearer ${apiKey}`, "content-type": "application/json" };
    const startedAt = performance.now();
    const { statusCode, body } = await pool.request({ ...options, headers, signal });
    await body.dump();
    return { status: statusCode, elapsedMs: performance.now() - startedAt };
  };
  const repeat = async (pauseMs: number, once: () => Promise<void>) => {
    while (!isOver()) {
      await once();
      await wait(pauseMs);
    }
  };
  const chat = async () => {
    const messages = [{ role: "user", content: `Say hello, number ${chatsMs.length}.` }];
    const body = JSON.stringify({ model, messages, max_tokens: CHAT_TOKENS, seed: 1 });
    const { status, elapsedMs } = await time({ method: "POST", path: `${pathname}/chat/completions`, body }).catch(
      () => ({ status: 0, elapsedMs: 0 }),
    );
    if (status === 200) chatsMs.push(elapsedMs);
    else failures[status] = (failures[status] ?? 0) + 1;
  };
  const askHealth = async () => {
    const startedAt = performance.now();
    await time({ method: "GET", path: "/healthz" }).catch(() => {});
    // One that fails has taken its time too.
    healthsMs.push(performance.now() - startedAt);
  };
  const readMemory = async () => {
    const resident = await Promise.race([readResident(), wait(durationMs + GRACE_MS, null, { ref: false })]).catch(
      () => {
        isAlive = false;
        return null;
      },
    );
    if (resident !== null) residentMax = Math.max(residentMax, resident);
  };
  await Promise.all([
    repeat(CHAT_PAUSE_MS, chat),
    repeat(HEALTH_INTERVAL_MS, askHealth),
    repeat(MEMORY_INTERVAL_MS, readMemory),
  ]);
  await pool.destroy();
  return { chatsMs, failures, healthsMs, residentMax, isAlive };
}

/** For the last chat to end. */
const GRACE_MS = 30_000;
