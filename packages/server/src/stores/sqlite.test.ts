import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { generateApiKey } from "@openai-compat/core";
import { apiKeyStoreContract } from "@openai-compat/core/store-contract";
import { afterAll, expect, test } from "vitest";
import { openSqliteStore } from "./sqlite.ts";

const directory = mkdtempSync(join(tmpdir(), "openai-compat-store-"));
afterAll(() => rmSync(directory, { recursive: true }));
let files = 0;
const newPath = () => join(directory, `keys-${(files += 1)}.sqlite`);

apiKeyStoreContract("a SQLite file", () => openSqliteStore(newPath()));

const { record } = generateApiKey({ accountId: "ada", name: "n", capabilities: [], expiresAtMs: null, nowMs: 1 });

test("a key outlives the process that stored it", async () => {
  const path = newPath();
  const first = openSqliteStore(path);
  await first.insert(record);
  await first.close();
  const second = openSqliteStore(path);
  expect(await second.findBySecretSha256(record.secretSha256)).toEqual(record);
  await second.close();
});

test("two open stores on one file see each other's keys", async () => {
  const path = newPath();
  const [server, commandLine] = [openSqliteStore(path), openSqliteStore(path)];
  await commandLine.insert(record);
  expect(await server.list()).toEqual([record]);
  await server.close();
  await commandLine.close();
});

test("the file and its side files can be read by their owner alone", async () => {
  const path = newPath();
  const store = openSqliteStore(path);
  await store.insert(record);
  for (const file of [path, `${path}-wal`]) expect(statSync(file).mode & 0o777).toBe(0o600);
  await store.close();
});

test("a database of a later version is refused, not damaged", () => {
  const path = newPath();
  const database = new DatabaseSync(path);
  database.exec("PRAGMA user_version = 99");
  database.close();
  expect(() => openSqliteStore(path)).toThrow(/version 99/);
});
