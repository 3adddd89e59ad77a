/** Waits until a server that was just started gives its first good answer. */

import { setTimeout as wait } from "node:timers/promises";
import { Client } from "undici";
import { encodeChatBody, exchange } from "./exchange.ts";
import type { Target } from "./exchange.ts";

const RETRY_INTERVAL_MS = 5;
const START_TIMEOUT_MS = 20_000;

/** @throws Error when no answer came in time, with the reason of the last failure. */
export async function awaitFirstAnswer(target: Target): Promise<void> {
  const endsAt = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const client = new Client(new URL(target.baseUrl).origin);
    try {
      await exchange(client, { target, body: encodeChatBody(target, { max_tokens: 64 }) });
      return;
    } catch (thrown) {
      if (performance.now() > endsAt) throw new Error(`no answer from ${target.baseUrl}`, { cause: thrown });
      await wait(RETRY_INTERVAL_MS);
    } finally {
      await client.destroy();
    }
  }
}
