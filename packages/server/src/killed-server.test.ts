/** Servers as processes of their own, one of them killed in the middle of its calls: what becomes of the money. */

import { createServer } from "node:http";
import type { ServerResponse } from "node:http";
import path from "node:path";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test, vi } from "vitest";
import { configSchema } from "./config.ts";
import type { ConfigInput } from "./config.ts";
import { openPostgresStores } from "./stores/postgres/open-postgres-stores.ts";
import { openSqliteStores } from "./stores/sqlite.ts";
import type { Stores } from "./stores/stores.ts";
import { definePostgresTests } from "./testing/postgres.ts";
import { createTestDirectory, mintAccountToken, startServeProcess } from "./testing/serve-process.ts";

const ACCOUNT = "ada";
const TOKENS = 4;
const AFFORDABLE = 10;
/** Later than any hold of these servers ends. */
const afterAllHolds = () => Date.now() + 86_400_000;

/** An upstream model that answers on request, each answer exactly as long as allowed. */
async function startSlowModel() {
  const waiting: ServerResponse[] = [];
  let isOpen = false;
  const message = { role: "assistant", content: "one two three four", refusal: null };
  const answer = (response: ServerResponse) =>
    response.setHeader("content-type", "application/json").end(
      JSON.stringify({
        id: "chatcmpl-1",
        object: "chat.completion",
        created: 1,
        model: "slow",
        choices: [{ index: 0, message, logprobs: null, finish_reason: "length" }],
        usage: { prompt_tokens: 2, completion_tokens: TOKENS, total_tokens: 2 + TOKENS },
      }),
    );
  const http = createServer((request, response) => {
    void text(request).then(() => (isOpen ? answer(response) : waiting.push(response)));
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  });
  const address = http.address();
  if (address === null || typeof address === "string") throw new Error("The model listens on no TCP port.");
  return {
    baseUrl: `http://127.0.0.1:${address.port}/v1`,
    waiting: () => waiting.length,
    open() {
      isOpen = true;
      for (const response of waiting.splice(0)) answer(response);
    },
  };
}

/** Only what is written costs, a micro-credit a token, so that every call costs what was reserved for it. */
function describeServer(
  modelUrl: string,
  store: Pick<ConfigInput, "store" | "postgres" | "dataDirectory">,
): ConfigInput {
  return {
    ...store,
    prices: { ai_prompt: { perMillionOutputTokens: 1_000_000 } },
    models: [{ id: "slow", engine: { kind: "upstream", baseUrls: [modelUrl] } }],
  };
}

/** @returns the status; 0 when the server ended before it had answered. */
async function chat(baseUrl: string, token: string): Promise<number> {
  const body = { model: "slow", max_tokens: TOKENS, messages: [{ role: "user", content: "Tell me a story." }] };
  try {
    const response = await fetch(`${baseUrl}/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return 0;
  }
}

function count(statuses: readonly number[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

async function grant({ credits }: Stores): Promise<void> {
  const amount = AFFORDABLE * TOKENS;
  await credits.grant({ id: "g", accountId: ACCOUNT, amount, note: "tests", nowMs: Date.now() });
}

/** The log adds up to the balance, and has one entry for each call that was paid. */
async function expectPaid({ credits }: Stores, calls: number): Promise<void> {
  const entries = await credits.listEntries({ accountId: ACCOUNT, limit: 1000 });
  const used = entries.filter(({ kind }) => kind === "usage").map(({ amount }) => -amount);
  expect(used).toEqual(Array.from({ length: calls }, () => TOKENS));
  const { balance } = await credits.readBalance(ACCOUNT);
  expect(balance).toBe((AFFORDABLE - calls) * TOKENS);
}

test("a server that is killed in the middle of its calls loses no credits, once their holds have expired", async () => {
  const model = await startSlowModel();
  const dataDirectory = createTestDirectory();
  const config = describeServer(model.baseUrl, { dataDirectory });
  const server = await startServeProcess(config);
  const stores = openSqliteStores(path.join(dataDirectory, "keys.sqlite"));
  onTestFinished(() => stores.close());
  await grant(stores);
  const token = await mintAccountToken(ACCOUNT);

  const cutOff = Array.from({ length: 6 }, () => chat(server.baseUrl, token));
  await vi.waitFor(() => expect(model.waiting()).toBe(6), { timeout: 10_000 });
  await server.kill();
  expect(count(await Promise.all(cutOff))).toEqual({ 0: 6 });
  model.open();

  const next = await startServeProcess(config);
  const chats = () => Promise.all(Array.from({ length: AFFORDABLE }, () => chat(next.baseUrl, token)));
  expect(count(await chats()), "the lost calls' credits are still held").toEqual({ 200: 4, 429: 6 });
  expect(await stores.credits.expireHolds(afterAllHolds())).toBe(6);
  expect(count(await chats())).toEqual({ 200: 6, 429: 4 });
  await expectPaid(stores, AFFORDABLE);
  expect(await stores.credits.readBalance(ACCOUNT)).toEqual({ balance: 0, held: 0 });
}, 60_000);

await definePostgresTests("two server processes on one PostgreSQL", ({ createSchemaUrl }) => {
  async function startPair() {
    const model = await startSlowModel();
    const url = await createSchemaUrl();
    const config = describeServer(model.baseUrl, { store: "postgres", postgres: { url } });
    const servers = [await startServeProcess(config), await startServeProcess(config)] as const;
    const { postgres } = configSchema.parse({ postgres: { url } });
    const stores = await openPostgresStores({ ...postgres, url });
    onTestFinished(() => stores.close());
    await grant(stores);
    return { model, servers, stores, token: await mintAccountToken(ACCOUNT) };
  }

  test("of 200 chats on two server processes, exactly those succeed that the account can pay for", async () => {
    const { model, servers, stores, token } = await startPair();
    model.open();
    const chats = Array.from({ length: 100 }, () => servers.map(({ baseUrl }) => chat(baseUrl, token))).flat();
    expect(count(await Promise.all(chats))).toEqual({ 200: AFFORDABLE, 429: 200 - AFFORDABLE });
    await expectPaid(stores, AFFORDABLE);
  }, 60_000);

  test("of two server processes one is killed in the middle: the other goes on, and nothing is lost or paid twice", async () => {
    const { model, servers, stores, token } = await startPair();
    const [killed, survivor] = servers;
    const cutOff = Array.from({ length: 5 }, () => chat(killed.baseUrl, token));
    const kept = Array.from({ length: 4 }, () => chat(survivor.baseUrl, token));
    await vi.waitFor(() => expect(model.waiting()).toBe(9), { timeout: 10_000 });
    await killed.kill();
    model.open();
    expect(count(await Promise.all(cutOff))).toEqual({ 0: 5 });
    expect(count(await Promise.all(kept))).toEqual({ 200: 4 });
    await expectPaid(stores, 4);

    const chats = () => Promise.all(Array.from({ length: 20 }, () => chat(survivor.baseUrl, token)));
    expect(count(await chats()), "the lost calls' credits are still held").toEqual({ 200: 1, 429: 19 });
    expect(await stores.credits.expireHolds(afterAllHolds())).toBe(5);
    expect(count(await chats())).toEqual({ 200: 5, 429: 15 });
    await expectPaid(stores, AFFORDABLE);
    expect(await stores.credits.readBalance(ACCOUNT)).toEqual({ balance: 0, held: 0 });
  }, 60_000);
});
