import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { LOG_PAGES_MAX, openSqliteDatabase } from "./sqlite-database.ts";

/** A page and its header. */
const LOGGED_PAGE_BYTES = 4096 + 24;

test("the write-ahead log grows to its limit, and no further", () => {
  const folder = mkdtempSync(join(tmpdir(), "sqlite-database-"));
  const path = join(folder, "keys.sqlite");
  const database = openSqliteDatabase(path);
  onTestFinished(() => {
    database.close();
    rmSync(folder, { recursive: true });
  });
  database.exec("PRAGMA synchronous = OFF; CREATE TABLE written (count)");
  database.exec("INSERT INTO written VALUES (0)");
  const count = database.prepare("UPDATE written SET count = count + 1");
  const pages = () => Math.floor(statSync(`${path}-wal`).size / LOGGED_PAGE_BYTES);
  for (let done = 0; done < LOG_PAGES_MAX / 2; done += 1) count.run();
  expect(pages()).toBeGreaterThanOrEqual(LOG_PAGES_MAX / 2);
  for (let done = 0; done < LOG_PAGES_MAX; done += 1) count.run();
  expect(pages()).toBeLessThanOrEqual(LOG_PAGES_MAX + 100);
});
