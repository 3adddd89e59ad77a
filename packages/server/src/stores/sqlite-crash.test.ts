import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, expect, test } from "vitest";
import { openSqliteStores } from "./sqlite.ts";

const WORKER = fileURLToPath(new URL("sqlite-crash-worker.ts", import.meta.url));
const GRANTED = 1_000_000_000;
const directory = mkdtempSync(join(tmpdir(), "openai-compat-crash-"));
const workers: ChildProcess[] = [];
afterEach(() => {
  for (const worker of workers.splice(0)) worker.kill("SIGKILL");
});
afterAll(() => rmSync(directory, { recursive: true }));

/** @returns the calls that were reported as settled before the process was killed in the middle of others. */
async function workAndKill(path: string, run: string): Promise<string[]> {
  const worker = spawn(process.execPath, [WORKER, path, run], { stdio: ["ignore", "pipe", "inherit"] });
  workers.push(worker);
  const settled: string[] = [];
  const exited = once(worker, "exit");
  for await (const line of createInterface(worker.stdout)) {
    settled.push(line);
    if (settled.length === 200) worker.kill("SIGKILL");
  }
  expect((await exited)[1]).toBe("SIGKILL");
  return settled;
}

test("killed in the middle again and again, it loses nothing that it said was settled", async () => {
  const path = join(directory, "keys.sqlite");
  const stores = openSqliteStores(path);
  await stores.credits.grant({ id: "1", accountId: "ada", amount: GRANTED, note: "", nowMs: 1 });
  const settled: string[] = [];
  for (const run of ["a", "b", "c"]) settled.push(...(await workAndKill(path, run)));
  await stores.credits.expireHolds(5000);
  const { balance, held } = await stores.credits.readBalance("ada");
  await stores.close();

  const database = new DatabaseSync(path);
  const rows = database.prepare("SELECT request_id, amount FROM ledger WHERE grant_id IS NULL").all();
  const logged = new Set(rows.map((row) => String(row["request_id"])));
  expect(settled.length).toBeGreaterThanOrEqual(600);
  expect(settled.filter((id) => !logged.has(id))).toEqual([]);
  expect(rows).toHaveLength(logged.size);
  expect({ balance, held }).toEqual({ balance: GRANTED - 3 * logged.size, held: 0 });
  expect(database.prepare("SELECT sum(amount) AS sum FROM ledger").get()).toEqual({ sum: balance });
  expect(database.prepare("SELECT count(*) AS count FROM holds").get()).toEqual({ count: 0 });
  database.close();
});
