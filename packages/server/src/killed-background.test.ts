/** A server that is killed between two events of a response in the background: what becomes of it, and of the money. */

import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import OpenAI from "openai";
import { expect, test, vi } from "vitest";
import { configSchema } from "./config.ts";
import type { ConfigInput } from "./config.ts";
import { openPostgresStores } from "./stores/postgres/open-postgres-stores.ts";
import { openSqliteStores } from "./stores/sqlite.ts";
import type { Stores } from "./stores/stores.ts";
import { definePostgresTests } from "./testing/postgres.ts";
import { readBody, startUpstream } from "./testing/test-gateway.ts";
import { createTestDirectory, mintAccountToken, startServeProcess } from "./testing/serve-process.ts";

const ACCOUNT = "ada";
const BALANCE = 10_000;
const TIME_MS_MAX = 120_000;
const WAIT = { timeout: 60_000, interval: 100 };
const LEASE_SECONDS = 3;

type Store = Pick<ConfigInput, "store" | "postgres" | "dataDirectory">;

/** More of them than a test waits for. */
const WORDS = Array.from({ length: 2000 }, (_, index) => `word${index} `);

/** A model that says a word now and then. */
function startSlowModel(): Promise<string> {
  return startUpstream(async (incoming, outgoing) => {
    await readBody(incoming);
    outgoing.writeHead(200, { "content-type": "text/event-stream" });
    for (const content of WORDS) {
      if (outgoing.destroyed) return;
      const choices = [{ index: 0, delta: { content }, finish_reason: null }];
      const chunk = { id: "x", object: "chat.completion.chunk", created: 1, model: "slow", choices };
      outgoing.write(`data: ${JSON.stringify(chunk)}\n\n`);
      await delay(50);
    }
  });
}

/** A micro-credit for each token that is written. */
async function describeServer(store: Store): Promise<ConfigInput> {
  return {
    ...store,
    prices: { ai_prompt: { perMillionOutputTokens: 1_000_000 } },
    responses: { backgroundLeaseSeconds: LEASE_SECONDS },
    models: [{ id: "slow", engine: { kind: "upstream", baseUrls: [await startSlowModel()] }, default: true }],
  };
}

async function expectFailedAndPaid(config: ConfigInput, open: () => Promise<Stores>, isReplica: boolean) {
  const stores = await open();
  await stores.credits.grant({ id: "grant", accountId: ACCOUNT, amount: BALANCE, note: "", nowMs: Date.now() });
  const first = await startServeProcess(config);
  const other = isReplica ? await startServeProcess(config) : null;
  const token = await mintAccountToken(ACCOUNT);
  const connect = (baseURL: string) => new OpenAI({ baseURL, apiKey: token, maxRetries: 0 });
  const begun = await connect(first.baseUrl).responses.create({
    model: "slow",
    input: "Tell me a long story.",
    max_output_tokens: 2000,
    background: true,
  });
  const key = { accountId: ACCOUNT, id: begun.id };
  await vi.waitFor(async () => expect((await stores.responseRuns.find(key))?.eventCount).toBeGreaterThan(12), WAIT);
  await first.kill();
  const left = await stores.responseRuns.listEvents(key, -1);
  const checkpoint = (await stores.responseRuns.find(key))?.checkpoint;
  const deltas = left.filter(({ type }) => type === "response.output_text.delta");
  expect(deltas.length).toBeGreaterThan(3);
  const { baseUrl } = other ?? (await startServeProcess(config));
  const client = connect(baseUrl);
  const ended = await vi.waitFor(async () => {
    const response = await client.responses.retrieve(begun.id);
    expect(response.status).not.toBe("in_progress");
    return response;
  }, WAIT);
  expect(ended).toMatchObject({
    status: "failed",
    error: { code: "server_error", message: expect.stringContaining("stopped while this response was running") },
  });
  const text = deltas.map(({ delta }) => delta).join("");
  expect(ended.output).toMatchObject([{ type: "message", status: "incomplete", content: [{ text }] }]);
  const events: { sequence_number: number }[] = [];
  for await (const event of await client.responses.retrieve(begun.id, { stream: true })) events.push(event);
  expect(events.slice(0, -1)).toEqual(left);
  expect(events.at(-1)).toMatchObject({ type: "response.failed", sequence_number: left.length });

  const paid = ended.usage?.output_tokens ?? 0;
  expect(checkpoint).toMatchObject({ units: { outputTokens: paid } });
  // An upstream that does not count them has about a token for every four characters.
  expect(paid).toBeGreaterThanOrEqual(Math.floor(text.length / 8));
  expect(paid).toBeLessThanOrEqual(text.length);
  // Every sweep has had its time, so nothing is charged twice and nothing stays held.
  await delay(500);
  expect(await stores.credits.readBalance(ACCOUNT)).toEqual({ balance: BALANCE - paid, held: 0 });
  const entries = await stores.credits.listEntries({ accountId: ACCOUNT, limit: 10 });
  expect(entries).toMatchObject([{ kind: "usage", amount: -paid, units: { outputTokens: paid } }, { kind: "grant" }]);
  expect(ended).toMatchObject(await client.responses.cancel(begun.id));
  await stores.close();
}

const WAYS = [
  ["restarted", false],
  ["survived by another server", true],
] as const;

test.each(WAYS)(
  "on SQLite, a response whose server is killed and %s fails with a reason and is paid for what is stored of it",
  async (_way, isReplica) => {
    const dataDirectory = createTestDirectory();
    const open = async () => openSqliteStores(path.join(dataDirectory, "keys.sqlite"));
    await expectFailedAndPaid(await describeServer({ dataDirectory }), open, isReplica);
  },
  TIME_MS_MAX,
);

await definePostgresTests("responses of killed servers on PostgreSQL", ({ createSchemaUrl }) => {
  test.each(WAYS)(
    "on PostgreSQL, a response whose server is killed and %s fails with a reason and is paid for what is stored of it",
    async (_way, isReplica) => {
      const url = await createSchemaUrl();
      const { postgres } = configSchema.parse({ postgres: { url } });
      const config = await describeServer({
        store: "postgres",
        postgres: { url },
        dataDirectory: createTestDirectory(),
      });
      await expectFailedAndPaid(config, () => openPostgresStores({ ...postgres, url }), isReplica);
    },
    TIME_MS_MAX,
  );
});
