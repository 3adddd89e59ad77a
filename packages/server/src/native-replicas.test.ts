/** Models that are added on one server are served by the others on its store, and after a restart. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { configSchema } from "./config.ts";
import { openPostgresStores } from "./stores/postgres/open-postgres-stores.ts";
import { openSqliteStores } from "./stores/sqlite.ts";
import type { Stores } from "./stores/stores.ts";
import { definePostgresTests } from "./testing/postgres.ts";
import { startTestServer } from "./testing/test-server.ts";

async function start(stores: Stores) {
  const { server, baseUrl, keys } = await startTestServer({ stores, config: { native: { modelSyncMs: 50 } } });
  const send = async (url: string, body: unknown) => {
    const headers = { authorization: `Bearer ${keys.key}`, "content-type": "application/json" };
    const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
    await response.text();
    return response.status;
  };
  const root = baseUrl.replace(/\/v1$/, "/trpc");
  let closing: Promise<void> | null = null;
  const close = () => (closing ??= server.close().then(() => stores.close()));
  onTestFinished(close);
  return {
    call: (procedure: string, input: unknown) => send(`${root}/${procedure}`, input),
    chat: (model: string) =>
      send(`${baseUrl}/chat/completions`, { model, messages: [{ role: "user", content: "Hi" }] }),
    close,
  };
}

const ADDED = { id: "added", engine: { kind: "scripted" } };

/** The other server looks every 50 ms. */
const soon = { timeout: 20_000, interval: 50 };

async function expectShared(first: Stores, second: Stores): Promise<void> {
  const [one, two] = [await start(first), await start(second)];
  expect(await two.chat("added")).toBe(404);
  expect(await one.call("models.add", ADDED)).toBe(200);
  await vi.waitFor(async () => expect(await two.chat("added")).toBe(200), soon);
  expect(await two.call("models.setDefault", { type: "chat", id: "added" })).toBe(200);
  expect(await two.call("models.remove", { id: "added" })).toBe(200);
  await vi.waitFor(async () => expect(await one.chat("added")).toBe(404), soon);
}

function makeFile(): string {
  const directory = mkdtempSync(join(tmpdir(), "openai-compat-replicas-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return join(directory, "keys.sqlite");
}

test("two servers on one SQLite file serve what either of them adds, and lose what either removes", async () => {
  const file = makeFile();
  await expectShared(openSqliteStores(file), openSqliteStores(file));
});

test("a model that was added is served again after a restart on the same SQLite file", async () => {
  const file = makeFile();
  const before = await start(openSqliteStores(file));
  expect(await before.call("models.add", ADDED)).toBe(200);
  await before.close();
  const after = await start(openSqliteStores(file));
  expect(await after.chat("added")).toBe(200);
});

await definePostgresTests("stored models of two servers on one PostgreSQL", ({ createSchemaUrl }) => {
  test("two servers on one PostgreSQL serve what either of them adds, and lose what either removes", async () => {
    const { postgres } = configSchema.parse({ postgres: { url: await createSchemaUrl() } });
    const url = postgres.url ?? "";
    await expectShared(await openPostgresStores({ ...postgres, url }), await openPostgresStores({ ...postgres, url }));
  });
});
