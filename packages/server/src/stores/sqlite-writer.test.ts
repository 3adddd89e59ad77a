import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, afterEach, expect, test, vi } from "vitest";
import { createSqliteWriter } from "./sqlite-writer.ts";
import type { SqliteWriterOptions } from "./sqlite-writer.ts";

const directory = mkdtempSync(join(tmpdir(), "openai-compat-writer-"));
afterAll(() => rmSync(directory, { recursive: true }));
const endings: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});

let files = 0;

/** A writer on a table of numbers, no two the same, and another connection to look from. */
function open(options: Partial<SqliteWriterOptions> = {}) {
  const path = join(directory, `numbers-${(files += 1)}.sqlite`);
  const database = new DatabaseSync(path, { timeout: 0 });
  database.exec(`PRAGMA journal_mode = WAL; CREATE TABLE numbers (number INTEGER PRIMARY KEY) STRICT`);
  const writer = createSqliteWriter({ database, path, ...options });
  const other = new DatabaseSync(path, { timeout: 0 });
  endings.push(
    () => other.close(),
    () => writer.close(),
    () => database.close(),
  );
  const insert = database.prepare("INSERT INTO numbers VALUES (?)");
  const exec = vi.spyOn(database, "exec");
  return {
    other,
    database,
    writer,
    add: (number: number) => writer.write(() => insert.run(number)),
    addDurably: (number: number) => writer.writeDurably(() => insert.run(number)),
    read: () =>
      other
        .prepare("SELECT number FROM numbers")
        .all()
        .map((row) => row["number"]),
    countCommits: () => exec.mock.calls.filter(([sql]) => sql === "COMMIT").length,
  };
}

test("writes of one turn share a commit, and are reported when others can see them", async () => {
  const { add, read, countCommits } = open();
  const seen = await Promise.all([1, 2, 3].map((number) => add(number).then(read)));
  expect(seen).toEqual([
    [1, 2, 3],
    [1, 2, 3],
    [1, 2, 3],
  ]);
  expect(countCommits()).toBe(1);
});

test("a transaction has no more work than it may have", async () => {
  const { add, read, countCommits } = open({ transactionWorkMax: 2 });
  await Promise.all([1, 2, 3, 4, 5].map(add));
  expect(countCommits()).toBe(3);
  expect(read()).toEqual([1, 2, 3, 4, 5]);
});

test("work that fails half way fails alone and leaves nothing", async () => {
  const { add, writer, database, read } = open();
  const insert = database.prepare("INSERT INTO numbers VALUES (?)");
  const outcomes = await Promise.allSettled([
    add(1),
    writer.write(() => {
      insert.run(10);
      throw new Error("half way");
    }),
    add(1),
    add(2),
  ]);
  expect(outcomes).toMatchObject([
    { status: "fulfilled" },
    { status: "rejected", reason: { message: "half way" } },
    { status: "rejected", reason: { message: expect.stringContaining("UNIQUE") } },
    { status: "fulfilled" },
  ]);
  expect(read()).toEqual([1, 2]);
});

test("a failed commit is reported to all writes that share it, and nothing is written", async () => {
  const { add, writer, database, read } = open();
  database.exec("CREATE TABLE links (number INTEGER REFERENCES numbers DEFERRABLE INITIALLY DEFERRED)");
  const link = database.prepare("INSERT INTO links VALUES (404)");
  const outcomes = await Promise.allSettled([add(1), writer.write(() => link.run()), add(2)]);
  for (const outcome of outcomes) {
    expect(outcome).toMatchObject({ status: "rejected", reason: { message: expect.stringContaining("FOREIGN KEY") } });
  }
  expect(read()).toEqual([]);
  await add(3);
  expect(read()).toEqual([3]);
});

test("a write waits for another process's transaction without stopping the event loop", async () => {
  const { add, other, read } = open();
  other.exec("BEGIN IMMEDIATE");
  let isDone = false;
  const written = add(1).then(() => (isDone = true));
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(isDone).toBe(false);
  other.exec("COMMIT");
  await written;
  expect(read()).toEqual([1]);
});

test("a write that waited too long for another process fails, and the next one has its own time", async () => {
  const { add, other, read } = open({ busyTimeoutMs: 20 });
  other.exec("BEGIN IMMEDIATE");
  await expect(add(1)).rejects.toThrow("locked");
  other.exec("COMMIT");
  await add(2);
  expect(read()).toEqual([2]);
});

test("more writes than may wait fail at once, the others are done", async () => {
  const { add, read } = open({ waitingMax: 2 });
  const outcomes = await Promise.allSettled([1, 2, 3].map(add));
  expect(outcomes.map((outcome) => outcome.status)).toEqual(["fulfilled", "fulfilled", "rejected"]);
  expect(read()).toEqual([1, 2]);
});

test("the end waits for what was asked for before, also while another process writes", async () => {
  const { add, addDurably, other, writer, read } = open();
  other.exec("BEGIN IMMEDIATE");
  const written = Promise.all([add(1), addDurably(2)]);
  const closed = writer.close();
  await expect(add(3)).rejects.toThrow("closed");
  other.exec("COMMIT");
  await Promise.all([written, closed]);
  endings.splice(1, 1);
  expect(read()).toEqual([1, 2]);
});
