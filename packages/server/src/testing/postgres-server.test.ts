import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { execute } from "./postgres.ts";
import { findObstacle } from "./postgres-server.ts";

const obstacle = findObstacle();
const SERVER_MODULE = new URL("postgres-server.ts", import.meta.url).href;
const STARTER = `
  const { startPostgresServer } = await import(${JSON.stringify(SERVER_MODULE)});
  console.log((await startPostgresServer()).url);
`;

test.skipIf(obstacle !== null)(
  "a server ends, and leaves no file, when the process that started it is killed",
  async () => {
    const starter = spawn(process.execPath, ["--input-type=module", "-e", STARTER], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const url: unknown = (await createInterface(starter.stdout)[Symbol.asyncIterator]().next()).value;
    const directory = new URL(String(url)).searchParams.get("host") ?? "";
    expect(await execute(String(url), "SELECT 1 AS one")).toEqual([{ one: 1 }]);
    const exited = once(starter, "exit");
    starter.kill("SIGKILL");
    await exited;
    await expect.poll(() => existsSync(directory), { timeout: 10_000 }).toBe(false);
    await expect(execute(String(url), "SELECT 1")).rejects.toThrow();
  },
);
