/** What an operator needs to trust: money under pressure, through HTTP, on the stores that are used in earnest. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FREE_OF_CHARGE } from "@openai-compat/core";
import { createScriptedEngine } from "@openai-compat/engines";
import { expect, onTestFinished, test, vi } from "vitest";
import { configSchema } from "./config.ts";
import { openPostgresStores } from "./stores/postgres/open-postgres-stores.ts";
import { openSqliteStores } from "./stores/sqlite.ts";
import type { Stores } from "./stores/stores.ts";
import { startPostgresProxy } from "./testing/postgres-proxy.ts";
import { definePostgresTests } from "./testing/postgres.ts";
import { startTestServer } from "./testing/test-server.ts";

const CALLS = 200;
const AFFORDABLE = 10;
const TOKENS = 4;
/** Only what is written costs, so that each of these calls costs the same. */
const prices = { ...FREE_OF_CHARGE, perMillionOutputTokens: 1_000_000 };

async function startPaidServer(stores: Stores) {
  const { server, baseUrl, keys } = await startTestServer({
    engine: createScriptedEngine({ tokenDelayMs: 5, concurrency: 16 }),
    stores,
    models: [{ isDefault: true, prices, queue: { waitingMax: CALLS, waitTimeMsMax: 20_000 } }],
  });
  onTestFinished(async () => {
    await server.close();
    await stores.close();
  });
  return async (): Promise<Response> => {
    const response = await fetch(`${baseUrl}/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${keys.key}`, "content-type": "application/json" },
      body: JSON.stringify({
        model: "scripted",
        messages: [{ role: "user", content: "Tell me a long story." }],
        max_tokens: TOKENS,
      }),
    });
    await response.arrayBuffer();
    return response;
  };
}

/** Sends all calls at once, to the servers in turn, which share their credits. */
async function expectExactlyTheAffordable({ credits }: Stores, chats: readonly (() => Promise<Response>)[]) {
  const granted = AFFORDABLE * TOKENS;
  await credits.grant({ id: "g", accountId: "ada", amount: granted, note: "tests", nowMs: Date.now() });
  const rounds = Array.from({ length: CALLS / chats.length }, () => chats).flat();
  const answers = await Promise.all(rounds.map((chat) => chat()));
  const succeeded = answers.filter(({ status }) => status === 200);
  const refused = answers.filter(({ status }) => status === 429);
  expect([succeeded.length, refused.length]).toEqual([AFFORDABLE, CALLS - AFFORDABLE]);
  expect(refused.every(({ headers }) => headers.get("x-should-retry") === "false")).toBe(true);
  expect(await credits.readBalance("ada")).toEqual({ balance: 0, held: 0 });
  const entries = await credits.listEntries({ accountId: "ada", limit: 1000 });
  expect(entries.filter(({ kind }) => kind === "usage")).toHaveLength(AFFORDABLE);
  expect(entries.reduce((sum, { amount }) => sum + amount, 0)).toBe(0);
}

test("of 200 chats at once, exactly those succeed that the account can pay for, and the log adds up", async () => {
  const directory = mkdtempSync(join(tmpdir(), "openai-compat-paid-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const stores = openSqliteStores(join(directory, "keys.sqlite"));
  await expectExactlyTheAffordable(stores, [await startPaidServer(stores)]);
});

await definePostgresTests("two servers on one PostgreSQL", ({ createSchemaUrl }) => {
  test("two servers on one PostgreSQL let exactly those succeed that the account can pay for", async () => {
    const { postgres } = configSchema.parse({ postgres: { url: await createSchemaUrl() } });
    const url = postgres.url ?? "";
    const [first, second] = [
      await openPostgresStores({ ...postgres, url }),
      await openPostgresStores({ ...postgres, url }),
    ];
    await expectExactlyTheAffordable(first, [await startPaidServer(first), await startPaidServer(second)]);
  });

  test("an answer that ends while PostgreSQL hangs ends well, and is charged when PostgreSQL is back", async () => {
    const url = await createSchemaUrl();
    const proxy = await startPostgresProxy(url);
    onTestFinished(() => proxy.close());
    const { postgres } = configSchema.parse({ postgres: { url, statementTimeoutMs: 500, connectionTimeoutMs: 500 } });
    const stores = await openPostgresStores({ ...postgres, url: proxy.url });
    const { server, baseUrl, keys } = await startTestServer({
      engine: createScriptedEngine({ tokenDelayMs: 20 }),
      stores,
      models: [{ isDefault: true, prices }],
    });
    onTestFinished(async () => {
      await server.close();
      await stores.close();
    });
    await stores.credits.grant({ id: "g", accountId: "ada", amount: 100, note: "tests", nowMs: Date.now() });
    const response = await fetch(`${baseUrl}/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${keys.key}`, "content-type": "application/json" },
      body: JSON.stringify({
        model: "scripted",
        stream: true,
        messages: [{ role: "user", content: "Hi" }],
        max_tokens: 8,
      }),
    });
    proxy.silence();
    const text = await response.text();
    expect(text).toContain("[DONE]");
    expect(text).not.toContain('"error"');
    proxy.cut();
    proxy.restore();
    await vi.waitFor(async () => expect(await stores.credits.readBalance("ada")).toEqual({ balance: 92, held: 0 }), {
      timeout: 30_000,
      interval: 200,
    });
    const entries = await stores.credits.listEntries({ accountId: "ada", limit: 10 });
    expect(entries.filter(({ kind }) => kind === "usage")).toMatchObject([{ amount: -8 }]);
  });
});
