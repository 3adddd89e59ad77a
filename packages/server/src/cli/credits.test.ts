/** The commands as an operator types them, beside the open store of a server. */

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { NO_USAGE } from "@openai-compat/core";
import { afterAll, expect, test } from "vitest";
import { openSqliteStores } from "../stores/sqlite.ts";
import { DATABASE_FILE } from "../stores/open-stores.ts";

const PROGRAM = fileURLToPath(new URL("../main.ts", import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "openai-compat-credits-"));
afterAll(() => rmSync(directory, { recursive: true }));

let directories = 0;

/** A data directory, its commands, and its store as a running server has it. */
function openData() {
  const dataDirectory = join(directory, String((directories += 1)));
  mkdirSync(dataDirectory);
  const stores = openSqliteStores(join(dataDirectory, DATABASE_FILE));
  const run = (...args: string[]) => runProgram(["credits", ...args, "--data-directory", dataDirectory]);
  return { stores, run };
}

function runProgram(args: readonly string[], environment: Record<string, string> = {}) {
  const env = { PATH: process.env["PATH"] ?? "", HOME: directory, ...environment };
  return new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
    execFile(process.execPath, [PROGRAM, ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });
}

/** Each command is a process. */
const SLOW = { timeout: 120_000 };

test("a grant beside a running server is there at once, and can be taken back but for what is held", SLOW, async () => {
  const { stores, run } = openData();
  const granted = await run("grant", "ada", "12.5", "--note", "first month");
  expect(granted).toMatchObject({ code: 0, stdout: "balance 12.5\theld 0\tavailable 12.5\n" });
  const hold = { id: "a", accountId: "ada", amount: 2_500_000, nowMs: 1, expiresAtMs: 9 };
  expect(await stores.credits.hold(hold)).toEqual({ held: true });

  const tooMuch = await run("grant", "ada", "-10.000001");
  expect([tooMuch.code, tooMuch.stderr]).toEqual([
    2,
    `error: The account "ada" has 10 available; 10.000001 can't be taken back.\n`,
  ]);
  expect((await run("grant", "ada", "-10")).stdout).toBe("balance 2.5\theld 2.5\tavailable 0\n");
  expect((await run("balance", "ada")).stdout).toBe("balance 2.5\theld 2.5\tavailable 0\n");
  expect((await run("balance", "bob")).stdout).toBe("balance 0\theld 0\tavailable 0\n");
  await stores.close();
});

test("an account that nothing is known of is said to be so, because its name may be misspelt", SLOW, async () => {
  const { stores, run } = openData();
  await stores.credits.grant({ id: "1", accountId: "ada", amount: 1, note: "", nowMs: 1 });
  const note = `note: nothing was ever granted or charged to the account "adda".\n`;
  expect((await run("balance", "ada")).stderr).toBe("");
  expect(await run("balance", "adda")).toMatchObject({ code: 0, stderr: note });
  expect((await run("grant", "adda", "1")).stderr).toBe(note);
  await stores.close();
});

test("the log lists grants and charges by account, for people and for programs", async () => {
  const { stores, run } = openData();
  const units = { ...NO_USAGE, inputTokens: 12, outputTokens: 3 };
  const call = { operation: "ai_prompt", modelId: "model", requestId: "req_1", units, nowMs: 2000 } as const;
  await stores.credits.grant({ id: "1", accountId: "ada", amount: 100, note: "why", nowMs: 1000 });
  await stores.credits.hold({ id: "a", accountId: "ada", amount: 50, nowMs: 1, expiresAtMs: 9 });
  await stores.credits.settle({ ...call, holdId: "a", accountId: "ada", amount: 7 });
  await stores.credits.recordFree({ ...call, accountId: "bob", amount: 0, nowMs: 3000 });

  const lines = (await run("usage", "--account", "ada")).stdout.split("\n");
  expect(lines).toEqual([
    "time\taccount\tcredits\toperation\tmodel or note\trequest\tunits",
    "1970-01-01T00:00:02.000Z\tada\t-0.000007\tai_prompt\tmodel\treq_1\tinputTokens=12 outputTokens=3",
    "1970-01-01T00:00:01.000Z\tada\t0.0001\tgrant\twhy\t\t",
    "",
  ]);
  const [newest = "", ...others] = (await run("usage", "--limit", "1", "--json")).stdout.split("\n");
  const { nowMs: createdAtMs, ...logged } = { ...call, nowMs: 3000 };
  expect(JSON.parse(newest)).toEqual({ kind: "usage", accountId: "bob", microCredits: 0, ...logged, createdAtMs });
  expect(others).toEqual([""]);
  await stores.close();
});

test.each([
  { args: ["grant", "ada", "0"], reason: "amount must not be 0" },
  { args: ["grant", "ada", "1", "--note", "x".repeat(201)], reason: "200 characters" },
  { args: ["usage", "--limit", "10001"], reason: "1 to 10000" },
])("what can't be done is refused: $reason", async ({ args, reason }) => {
  const { stores, run } = openData();
  const { code, stderr } = await run(...args);
  expect(stderr).toContain(reason);
  expect(code).toBe(2);
  expect(await stores.credits.listEntries({ accountId: null, limit: 1 })).toEqual([]);
  await stores.close();
});

test("a store in memory can't be reached by a command", async () => {
  const { code, stderr } = await runProgram(["credits", "balance", "ada"], { OPENAI_COMPAT_STORE: "memory" });
  expect(stderr).toContain("no command can reach them");
  expect(code).toBe(2);
});
