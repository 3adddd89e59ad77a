import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { sumChildProcesses } from "./child-processes.ts";

test.skipIf(process.platform !== "linux")("processes that have ended count with the CPU time that they took", () => {
  const before = sumChildProcesses().cpuMs;
  const burn = "while (process.cpuUsage().user < 200_000);";
  expect(spawnSync(process.execPath, ["-e", burn]).status).toBe(0);
  expect(sumChildProcesses().cpuMs - before).toBeGreaterThanOrEqual(150);
});
