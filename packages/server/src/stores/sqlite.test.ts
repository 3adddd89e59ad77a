import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setImmediate as nextTurn } from "node:timers/promises";
import { generateApiKey } from "@openai-compat/core";
import {
  apiKeyStoreContract,
  clientSecretStoreContract,
  creditStoreContract,
  modelStoreContract,
  responseRunStoreContract,
  responseStoreContract,
  taskStoreContract,
  tokenRevocationStoreContract,
} from "@openai-compat/core/store-contract";
import { afterAll, expect, test } from "vitest";
import { openSqliteStores } from "./sqlite.ts";

const directory = mkdtempSync(join(tmpdir(), "openai-compat-store-"));
afterAll(() => rmSync(directory, { recursive: true }));
let files = 0;
const SECRET_KEY = Buffer.alloc(32, 7).toString("base64");
const newPath = () => join(directory, `keys-${(files += 1)}.sqlite`);

apiKeyStoreContract("a SQLite file", () => openSqliteStores(newPath()).apiKeys);
clientSecretStoreContract("a SQLite file", () => openSqliteStores(newPath()).clientSecrets);
modelStoreContract("a SQLite file", () => openSqliteStores(newPath()).models);
responseStoreContract("a SQLite file", () => openSqliteStores(newPath()).responses);
responseStoreContract(
  "an encrypted SQLite file",
  () => openSqliteStores(newPath(), { secretKey: SECRET_KEY }).responses,
);
responseRunStoreContract("a SQLite file", () => openSqliteStores(newPath()).responseRuns);
responseRunStoreContract(
  "an encrypted SQLite file",
  () => openSqliteStores(newPath(), { secretKey: SECRET_KEY }).responseRuns,
);
taskStoreContract("a SQLite file", () => openSqliteStores(newPath()).tasks);
tokenRevocationStoreContract("a SQLite file", () => openSqliteStores(newPath()).tokenRevocations);
creditStoreContract("a SQLite file", () => openSqliteStores(newPath()).credits, {
  async openPair() {
    const path = newPath();
    return [openSqliteStores(path).credits, openSqliteStores(path).credits];
  },
});

const { record } = generateApiKey({ accountId: "ada", name: "n", capabilities: [], expiresAtMs: null, nowMs: 1 });
const grant = { id: "1", accountId: "ada", amount: 10, note: "", nowMs: 1 };

test("what was stored outlives the process that stored it", async () => {
  const path = newPath();
  const first = openSqliteStores(path);
  await first.apiKeys.insert(record);
  await first.credits.grant(grant);
  await first.credits.hold({ id: "a", accountId: "ada", amount: 4, nowMs: 1, expiresAtMs: 9 });
  await first.tokenRevocations.revoke("0".repeat(64), 5000);
  await first.close();
  const second = openSqliteStores(path);
  expect(await second.apiKeys.findBySecretSha256(record.secretSha256)).toEqual(record);
  expect(await second.credits.readBalance("ada")).toEqual({ balance: 10, held: 4 });
  expect(await second.tokenRevocations.isRevoked("0".repeat(64))).toBe(true);
  await second.close();
});

test("two open stores on one file see each other's keys", async () => {
  const path = newPath();
  const [server, commandLine] = [openSqliteStores(path), openSqliteStores(path)];
  await commandLine.apiKeys.insert(record);
  expect(await server.apiKeys.list()).toEqual([record]);
  await server.close();
  await commandLine.close();
});

test("a server that found a token good learns of its revocation by another process at once", async () => {
  const path = newPath();
  const [server, commandLine] = [openSqliteStores(path), openSqliteStores(path)];
  const token = "1".repeat(64);
  const ask = async () => {
    await nextTurn();
    return server.tokenRevocations.isRevoked(token);
  };
  expect(await ask()).toBe(false);
  expect(await ask()).toBe(false);
  await commandLine.tokenRevocations.revoke(token, 5000);
  expect(await ask()).toBe(true);
  await commandLine.tokenRevocations.prune(5000);
  expect(await ask()).toBe(false);
  await server.close();
  await commandLine.close();
});

test("a server that found a key good learns of its revocation, by another process or by itself, at once", async () => {
  const path = newPath();
  const [server, commandLine] = [openSqliteStores(path), openSqliteStores(path)];
  const own = generateApiKey({ accountId: "ada", name: "own", capabilities: [], expiresAtMs: null, nowMs: 1 }).record;
  const ask = async ({ secretSha256 }: typeof record) => {
    await nextTurn();
    return server.apiKeys.findBySecretSha256(secretSha256);
  };
  expect(await ask(record)).toBeNull();
  await commandLine.apiKeys.insert(record);
  await server.apiKeys.insert(own);
  for (const key of [record, own, record, own]) expect(await ask(key)).toEqual(key);
  await commandLine.apiKeys.revoke(record.id, 5000);
  expect(await ask(record)).toEqual({ ...record, revokedAtMs: 5000 });
  await server.apiKeys.revoke(own.id, 6000);
  expect(await ask(own)).toEqual({ ...own, revokedAtMs: 6000 });
  await server.close();
  await commandLine.close();
});

test("the file and its side files can be read by their owner alone", async () => {
  const path = newPath();
  const stores = openSqliteStores(path);
  await stores.apiKeys.insert(record);
  for (const file of [path, `${path}-wal`]) expect(statSync(file).mode & 0o777).toBe(0o600);
  await stores.close();
});

test("what was asked for before the end is still done, and nothing after it", async () => {
  const path = newPath();
  const stores = openSqliteStores(path);
  const granted = stores.credits.grant(grant);
  await Promise.all([stores.close(), stores.close()]);
  expect(await granted).toEqual({ balance: 10, held: 0 });
  await expect(stores.credits.grant({ ...grant, id: "2" })).rejects.toThrow("closed");
});

/** A database as the first version made it, with a key in it. */
function makeFirstVersion(path: string): void {
  const database = new DatabaseSync(path);
  database.exec(`
    CREATE TABLE api_keys (id TEXT PRIMARY KEY, secret_sha256 TEXT NOT NULL UNIQUE, secret_tail TEXT NOT NULL,
      account_id TEXT NOT NULL, name TEXT NOT NULL, capabilities TEXT NOT NULL, created_at_ms INTEGER NOT NULL,
      expires_at_ms INTEGER, revoked_at_ms INTEGER) STRICT;
    PRAGMA user_version = 1`);
  const { id, secretSha256, secretTail, accountId, name, createdAtMs } = record;
  database
    .prepare("INSERT INTO api_keys VALUES (?, ?, ?, ?, ?, '[]', ?, NULL, NULL)")
    .run(id, secretSha256, secretTail, accountId, name, createdAtMs);
  database.close();
}

test("a database of the first version keeps its keys and learns to keep credits", async () => {
  const path = newPath();
  makeFirstVersion(path);
  const stores = openSqliteStores(path);
  expect(await stores.apiKeys.list()).toEqual([record]);
  expect(await stores.credits.grant(grant)).toEqual({ balance: 10, held: 0 });
  await stores.close();
});

test("a database of a later version is refused, not damaged", () => {
  const path = newPath();
  const database = new DatabaseSync(path);
  database.exec("PRAGMA user_version = 99");
  database.close();
  expect(() => openSqliteStores(path)).toThrow(/version 99/);
  const reopened = new DatabaseSync(path);
  expect(reopened.prepare("PRAGMA user_version").get()).toEqual({ user_version: 99 });
  reopened.close();
});

test("the tables themselves refuse a balance below what is held, and below nothing", async () => {
  const path = newPath();
  const stores = openSqliteStores(path);
  await stores.credits.grant(grant);
  const database = new DatabaseSync(path);
  for (const change of ["balance = -1", "held = 11", "held = -1", "balance = 9007199254740992"]) {
    expect(() => database.exec(`UPDATE accounts SET ${change}`)).toThrow("CHECK");
  }
  database.close();
  await stores.close();
});

test("a trial write fails while another process keeps the write lock, and works again afterwards", async () => {
  const path = newPath();
  const stores = openSqliteStores(path, { busyTimeoutMs: 20 });
  await stores.probeWrite();
  const other = new DatabaseSync(path);
  other.exec("BEGIN IMMEDIATE");
  await expect(stores.probeWrite()).rejects.toThrow("locked");
  other.exec("ROLLBACK");
  await stores.probeWrite();
  other.close();
  await stores.close();
});
