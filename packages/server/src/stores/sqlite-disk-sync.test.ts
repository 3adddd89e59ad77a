/** The disk is played by the test, which says when a sync ends and how. */

import type * as fs from "node:fs";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeEach, expect, test, vi } from "vitest";
import { openDiskSync } from "./sqlite-disk-sync.ts";
import { createSqliteWriter } from "./sqlite-writer.ts";

const disk = vi.hoisted(() => ({ endings: Array<(failure: Error | null) => void>() }));
vi.mock("node:fs", async (importOriginal) => ({
  ...(await importOriginal<typeof fs>()),
  fdatasync: (_file: number, end: (failure: Error | null) => void) => void disk.endings.push(end),
}));

const directory = mkdtempSync(join(tmpdir(), "openai-compat-sync-"));
afterAll(() => rmSync(directory, { recursive: true }));
beforeEach(() => void disk.endings.splice(0));

const turns = () => new Promise((resolve) => setTimeout(resolve, 5));
/** Ends the sync that runs. */
function endSync(failure: Error | null = null): void {
  disk.endings.shift()?.(failure);
}

function open(onError: (error: unknown) => void = () => expect.unreachable()) {
  const path = join(directory, "log");
  writeFileSync(path, "");
  return openDiskSync({ path, withinMs: 20, onError });
}

test("what was committed while a sync ran waits for the next one, which all share", async () => {
  const sync = open();
  const ended: string[] = [];
  void sync.sync().then(() => ended.push("first"));
  await turns();
  for (const name of ["second", "third"]) void sync.sync().then(() => ended.push(name));
  await turns();
  expect(disk.endings).toHaveLength(1);
  endSync();
  await turns();
  expect(ended).toEqual(["first"]);
  expect(disk.endings).toHaveLength(1);
  endSync();
  await turns();
  expect(ended).toEqual(["first", "second", "third"]);
  expect(disk.endings).toHaveLength(0);
});

test("writes that no caller waits for are synced soon, all at once", async () => {
  const sync = open();
  sync.syncSoon();
  sync.syncSoon();
  expect(disk.endings).toHaveLength(0);
  await vi.waitFor(() => expect(disk.endings).toHaveLength(1));
  endSync();
  await new Promise((resolve) => setTimeout(resolve, 40));
  expect(disk.endings).toHaveLength(0);
  sync.syncSoon();
  await vi.waitFor(() => expect(disk.endings).toHaveLength(1));
  endSync();
});

test("the end syncs what is left", async () => {
  const sync = open();
  sync.syncSoon();
  const closed = sync.close();
  await turns();
  expect(disk.endings).toHaveLength(1);
  endSync();
  await closed;
});

function openWriter() {
  const path = join(directory, `${Math.random()}.sqlite`);
  const database = new DatabaseSync(path);
  database.exec("PRAGMA journal_mode = WAL; CREATE TABLE numbers (number INTEGER)");
  return createSqliteWriter({ database, path, unsyncedMs: 1 });
}

test("a durable write is reported when it is on the disk, another one before", async () => {
  const writer = openWriter();
  const committed: string[] = [];
  void writer.write(() => "quick").then((name) => committed.push(name));
  void writer.writeDurably(() => "durable").then((name) => committed.push(name));
  await turns();
  expect(committed).toEqual(["quick"]);
  endSync();
  await turns();
  expect(committed).toEqual(["quick", "durable"]);
});

test("when the disk fails a durable write, the write fails, and nothing is written any more", async () => {
  const writer = openWriter();
  const written = expect(writer.writeDurably(() => 1)).rejects.toThrow("disk failed");
  await turns();
  endSync(new Error("EIO"));
  await written;
  await expect(writer.write(() => 2)).rejects.toThrow("disk failed");
});

test("when the disk fails later, the writes after that are refused", async () => {
  const writer = openWriter();
  await writer.write(() => 1);
  await vi.waitFor(() => expect(disk.endings).toHaveLength(1));
  endSync(new Error("EIO"));
  await turns();
  await expect(writer.write(() => 2)).rejects.toThrow("disk failed");
});
