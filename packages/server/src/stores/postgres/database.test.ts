import { inspect } from "node:util";
import pg from "pg";
import { expect, onTestFinished, test } from "vitest";
import { definePostgresTests, execute } from "../../testing/postgres.ts";
import { startPostgresProxy } from "../../testing/postgres-proxy.ts";
import { openDatabase } from "./database.ts";
import type { Statement } from "./database.ts";
import type { PostgresSettings } from "./settings.ts";

const SETTINGS = { connectionsMax: 2, waitingMax: 10, connectionTimeoutMs: 2000, statementTimeoutMs: 2000 };
const ONE: Statement = { name: "one", text: "SELECT 1 AS one" };
const SLEEP: Statement = { name: "sleep", text: "SELECT pg_sleep($1)" };
/** Where no one listens. */
const NOWHERE = "postgresql://ada:secret-password@127.0.0.1:1/credits";

function open(settings: Partial<PostgresSettings> & { readonly url: string }) {
  const database = openDatabase(pg, { ...SETTINGS, ...settings });
  onTestFinished(() => database.close());
  return database;
}

async function failureOf(promise: Promise<unknown>): Promise<{ readonly error: unknown; readonly afterMs: number }> {
  const startedMs = performance.now();
  const error = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  return { error, afterMs: performance.now() - startedMs };
}

test("a database that is not there fails a statement at once", async () => {
  const { error, afterMs } = await failureOf(open({ url: NOWHERE }).run(ONE, []));
  expect(error).toMatchObject({ message: expect.stringMatching(/^PostgreSQL: connect ECONNREFUSED/) });
  expect(afterMs).toBeLessThan(1000);
});

test("a name with several addresses says what each of them answered", async () => {
  const url = NOWHERE.replace("127.0.0.1", "localhost");
  const { error } = await failureOf(open({ url }).run(ONE, []));
  expect(error).toMatchObject({ message: expect.stringContaining("ECONNREFUSED 127.0.0.1:1") });
});

test.each([NOWHERE, "postgresql://ada:secret-password@127.0.0.1:no-port/credits"])(
  "no error holds the password of %s",
  async (url) => {
    const { error } = await failureOf((async () => open({ url }).run(ONE, []))());
    expect(error).toBeInstanceOf(Error);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("secret-password");
  },
);

await definePostgresTests("connections to PostgreSQL", (postgres) => {
  async function openThroughProxy(settings: Partial<PostgresSettings> = {}) {
    const proxy = await startPostgresProxy(await postgres.createSchemaUrl());
    onTestFinished(() => proxy.close());
    return { proxy, database: open({ ...settings, url: proxy.url }) };
  }

  test("connections that the server ends are replaced", async () => {
    const url = new URL(await postgres.createSchemaUrl());
    url.searchParams.set("application_name", "ended-by-the-server");
    const database = open({ url: url.href });
    await Promise.all([database.run(SLEEP, [0]), database.run(SLEEP, [0])]);
    const running = failureOf(database.run(SLEEP, [1]));
    await expect.poll(() => countRunning(url.href)).toBe(1);
    await execute(
      url.href.replace("ended-by-the-server", "ends"),
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ended-by-the-server'",
    );
    expect((await running).error).toMatchObject({ message: expect.stringContaining("terminating connection") });
    // The idle one may hear of its end only now: then it fails the one statement that it is given.
    await failureOf(database.run(ONE, []));
    expect((await database.run(ONE, [])).rows).toEqual([{ one: 1 }]);
  });

  test("statements fail while the database is gone, and work again when it is back", async () => {
    const { proxy, database } = await openThroughProxy();
    await database.run(ONE, []);
    proxy.cut();
    const { error, afterMs } = await failureOf(database.run(ONE, []));
    expect(error).toBeInstanceOf(Error);
    expect(afterMs).toBeLessThan(1000);
    proxy.restore();
    expect((await database.run(ONE, [])).rows).toEqual([{ one: 1 }]);
  });

  test("a network that goes silent is given up after the time for a statement", async () => {
    const { proxy, database } = await openThroughProxy({ statementTimeoutMs: 50 });
    await database.run(ONE, []);
    proxy.silence();
    const { error, afterMs } = await failureOf(database.run(ONE, []));
    expect(error).toMatchObject({ message: "PostgreSQL: Query read timeout" });
    expect(afterMs).toBeLessThan(2500);
    proxy.restore();
    expect((await database.run(ONE, [])).rows).toEqual([{ one: 1 }]);
  });

  test("a database that takes connections and says nothing is given up after the time for a connection", async () => {
    const { proxy, database } = await openThroughProxy({ connectionTimeoutMs: 50 });
    proxy.silence();
    const { error, afterMs } = await failureOf(database.run(ONE, []));
    expect(error).toMatchObject({ message: expect.stringContaining("connection timeout") });
    expect(afterMs).toBeLessThan(1000);
  });

  test("the server ends a statement that takes too long", async () => {
    const database = open({ url: await postgres.createSchemaUrl(), statementTimeoutMs: 50 });
    const { error } = await failureOf(database.run(SLEEP, [20]));
    expect(error).toMatchObject({ message: expect.stringContaining("statement timeout") });
  });

  test("a statement waits for a connection no longer than it may", async () => {
    const database = open({ url: await postgres.createSchemaUrl(), connectionsMax: 1, connectionTimeoutMs: 100 });
    await database.run(ONE, []);
    const slow = database.run(SLEEP, [1]);
    const { error, afterMs } = await failureOf(database.run(ONE, []));
    expect(error).toMatchObject({ message: expect.stringContaining("timeout exceeded") });
    expect(afterMs).toBeLessThan(900);
    await slow;
  });

  test("more statements than may wait fail at once", async () => {
    const database = open({ url: await postgres.createSchemaUrl(), connectionsMax: 1, waitingMax: 2 });
    const slow = database.run(SLEEP, [0.2]);
    const waiting = [database.run(ONE, []), database.run(ONE, [])];
    const { error } = await failureOf(database.run(ONE, []));
    expect(error).toMatchObject({ message: expect.stringContaining("2 statements are waiting") });
    await expect(Promise.all([slow, ...waiting])).resolves.toHaveLength(3);
  });

  test("a 64-bit integer is a number, and one that a number can't hold is an error", async () => {
    const database = open({ url: await postgres.createSchemaUrl() });
    const text = "SELECT $1::bigint AS big";
    expect((await database.run({ name: "big", text }, [Number.MAX_SAFE_INTEGER])).rows).toEqual([
      { big: 9_007_199_254_740_991 },
    ]);
    const { error } = await failureOf(database.run({ name: "bigger", text: "SELECT 9007199254740993 AS big" }, []));
    expect(error).toMatchObject({ message: expect.stringContaining("9007199254740993") });
    expect((await database.run(ONE, [])).rows).toEqual([{ one: 1 }]);
  });

  test("a URL that asks for TLS accepts no connection without it", async () => {
    const { proxy } = await openThroughProxy();
    const database = open({ url: `${proxy.url}&sslmode=verify-full` });
    const { error } = await failureOf(database.run(ONE, []));
    expect(error).toMatchObject({ message: expect.stringMatching(/SSL|certificate/) });
  });

  async function countRunning(url: string): Promise<unknown> {
    const rows = await execute(
      url.replace("ended-by-the-server", "counts"),
      "SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'ended-by-the-server' AND state = 'active'",
    );
    return rows[0]?.["n"];
  }
});
