import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import { startPostgresProxy } from "../../testing/postgres-proxy.ts";
import { definePostgresTests, execute } from "../../testing/postgres.ts";
import { POSTGRES_VERSION } from "./migrate.ts";
import { openPostgresStores } from "./open-postgres-stores.ts";

const SETTINGS = { connectionsMax: 2, waitingMax: 1000, connectionTimeoutMs: 5000, statementTimeoutMs: 5000 };
const WORKER = new URL("../../testing/postgres-worker.ts", import.meta.url).pathname;

await definePostgresTests("several servers on one PostgreSQL", (postgres) => {
  async function open(url: string) {
    const stores = await openPostgresStores({ ...SETTINGS, url });
    onTestFinished(() => stores.close());
    return stores;
  }

  /** Another process that takes holds on request. */
  async function startWorker(...options: readonly [url: string, name: string, count: string]) {
    const worker = spawn(process.execPath, [WORKER, ...options], { stdio: ["pipe", "pipe", "inherit"] });
    const kill = async () => {
      if (worker.exitCode !== null || worker.signalCode !== null) return;
      const exited = once(worker, "exit");
      worker.kill("SIGKILL");
      await exited;
    };
    onTestFinished(kill);
    const lines = createInterface(worker.stdout)[Symbol.asyncIterator]();
    expect(await lines.next()).toEqual({ done: false, value: "ready" });
    return {
      kill,
      async takeHolds() {
        worker.stdin.write("go\n");
        return Number((await lines.next()).value);
      },
    };
  }

  test("two processes with 200 holds between them get the 10 that are affordable, and not one more", async () => {
    const url = await postgres.createSchemaUrl();
    const { credits } = await open(url);
    await credits.grant({ id: "grant", accountId: "ada", amount: 109, note: "", nowMs: 0 });
    const workers = await Promise.all([startWorker(url, "left", "100"), startWorker(url, "right", "100")]);
    const [left = 0, right = 0] = await Promise.all(workers.map((worker) => worker.takeHolds()));
    expect(left + right).toBe(10);
    expect(await credits.readBalance("ada")).toEqual({ balance: 109, held: 100 });
  });

  test("the holds of a killed process expire and are released by the remaining processes", async () => {
    const url = await postgres.createSchemaUrl();
    const { credits } = await open(url);
    await credits.grant({ id: "grant", accountId: "ada", amount: 100, note: "", nowMs: 0 });
    const worker = await startWorker(url, "lost", "7");
    expect(await worker.takeHolds()).toBe(7);
    await worker.kill();
    expect(await credits.expireHolds(999)).toBe(0);
    expect(await credits.readBalance("ada")).toEqual({ balance: 100, held: 70 });
    expect(await credits.expireHolds(1000)).toBe(7);
    expect(await credits.readBalance("ada")).toEqual({ balance: 100, held: 0 });
  });

  test("servers that expire the same holds at once give each back once, and none waits for ever", async () => {
    const url = await postgres.createSchemaUrl();
    const servers = await Promise.all([open(url), open(url), open(url)]);
    const accounts = Array.from({ length: 20 }, (_, number) => `account-${number}`);
    for (const accountId of accounts) {
      await servers[0].credits.grant({ id: accountId, accountId, amount: 100, note: "", nowMs: 0 });
      const hold = { accountId, amount: 10, nowMs: 0, expiresAtMs: 1000 };
      for (const name of ["a", "b", "c"]) await servers[0].credits.hold({ ...hold, id: `${accountId}-${name}` });
    }
    const expired = await Promise.all(servers.map(({ credits }) => credits.expireHolds(1000)));
    expect(expired.reduce((sum, count) => sum + count, 0)).toBe(60);
    for (const accountId of accounts) {
      expect(await servers[0].credits.readBalance(accountId)).toEqual({ balance: 100, held: 0 });
    }
  });

  test("four servers that start at once on an empty database all find its tables", async () => {
    const url = await postgres.createSchemaUrl();
    const servers = await Promise.all([open(url), open(url), open(url), open(url)]);
    await servers[0].credits.grant({ id: "grant", accountId: "ada", amount: 5, note: "", nowMs: 0 });
    for (const { credits } of servers) expect(await credits.readBalance("ada")).toEqual({ balance: 5, held: 0 });
    expect(await execute(url, "SELECT version FROM openai_compat_version")).toEqual([{ version: POSTGRES_VERSION }]);
  });

  test("a trial write works on every server, and fails while the database does not answer", async () => {
    const url = await postgres.createSchemaUrl();
    await Promise.all([(await open(url)).probeWrite(), (await open(url)).probeWrite()]);
    const proxy = await startPostgresProxy(url);
    onTestFinished(() => proxy.close());
    const stores = await openPostgresStores({ ...SETTINGS, url: proxy.url, statementTimeoutMs: 100 });
    onTestFinished(() => stores.close());
    await stores.probeWrite();
    proxy.silence();
    await expect(stores.probeWrite()).rejects.toThrow("PostgreSQL");
    proxy.cut();
    proxy.restore();
    await stores.probeWrite();
  });

  test("a server that starts later finds what the others stored", async () => {
    const url = await postgres.createSchemaUrl();
    const first = await openPostgresStores({ ...SETTINGS, url });
    await first.tokenRevocations.revoke("0".repeat(64), 1000);
    await first.close();
    expect(await (await open(url)).tokenRevocations.isRevoked("0".repeat(64))).toBe(true);
  });

  test("a database of a later version is refused, not damaged", async () => {
    const url = await postgres.createSchemaUrl();
    await (await open(url)).close();
    await execute(url, "UPDATE openai_compat_version SET version = 99");
    await expect(openPostgresStores({ ...SETTINGS, url })).rejects.toThrow(/version 99/);
    expect(await execute(url, "SELECT version FROM openai_compat_version")).toEqual([{ version: 99 }]);
  });

  test("the limits of an account are the same on every server", async () => {
    const url = await postgres.createSchemaUrl();
    const [left, right] = await Promise.all([open(url), open(url)]);
    const use = { key: "requests:ada", points: 1, limit: 7 };
    const outcomes = await Promise.all(
      Array.from({ length: 40 }, (_, number) => (number % 2 === 0 ? left : right).rateLimits.consume(use)),
    );
    expect(outcomes.filter(({ allowed }) => allowed)).toHaveLength(7);
  });
});
