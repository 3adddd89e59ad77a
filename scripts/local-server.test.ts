import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { startLocalServer } from "./local-server.ts";

/** A server of a few lines: it writes its ready file and its process id where the test says, or misbehaves. */
function writeFakeServer(source: string): { readonly script: string; readonly pidFile: string } {
  const folder = mkdtempSync(path.join(tmpdir(), "fake-server-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const script = path.join(folder, "server.mjs");
  const pidFile = path.join(folder, "pid");
  writeFileSync(
    script,
    `import { writeFileSync } from "node:fs";
    const readyFile = process.argv[process.argv.indexOf("--ready-file") + 1];
    writeFileSync(${JSON.stringify(pidFile)}, String(process.pid));
    setInterval(() => {}, 1000);
    ${source}`,
  );
  return { script, pidFile };
}

function start(script: string, limits: { readyTimeMsMax?: number; stopTimeMsMax?: number; signal?: AbortSignal } = {}) {
  const { readyTimeMsMax = 10_000, ...rest } = limits;
  return startLocalServer({
    command: process.execPath,
    arguments: [script],
    engines: "scripted",
    readyTimeMsMax,
    logFile: path.join(tmpdir(), "unused.log"),
    ...rest,
  });
}

function isRunning(pidFile: string): boolean {
  try {
    process.kill(Number(readFileSync(pidFile, "utf8")), 0);
    return true;
  } catch {
    return false;
  }
}

test("a started server says what it serves with, and is gone after the stop, its target file too", async () => {
  const { script, pidFile } = writeFakeServer(
    `console.log("Serving one model.\\nServing another.\\nListening on a port.\\nmore"); setTimeout(() => writeFileSync(readyFile, "{}"), 200);`,
  );
  const server = await start(script);
  expect(server.summary).toBe("Serving one model.\nServing another.");
  expect(existsSync(server.targetFile)).toBe(true);
  await server.stop();
  expect(existsSync(server.targetFile)).toBe(false);
  expect(isRunning(pidFile)).toBe(false);
});

test("a server that fails while it is in use is reported by the stop, one that ends well is not", async () => {
  const ready = `writeFileSync(readyFile, "{}");`;
  for (const [source, reason] of [
    ["process.exit(1)", "ended (exit code 1) while it was in use"],
    ["process.kill(process.pid, 'SIGKILL')", "ended (SIGKILL) while it was in use"],
  ] as const) {
    const { script, pidFile } = writeFakeServer(`${ready} setTimeout(() => { ${source}; }, 100);`);
    const server = await start(script);
    await vi.waitFor(() => expect(isRunning(pidFile)).toBe(false), { timeout: 10_000 });
    await expect(server.stop()).rejects.toThrow(reason);
    expect(existsSync(server.targetFile)).toBe(false);
  }
  const { script, pidFile } = writeFakeServer(`${ready} setTimeout(() => process.exit(0), 100);`);
  const server = await start(script);
  await vi.waitFor(() => expect(isRunning(pidFile)).toBe(false), { timeout: 10_000 });
  await server.stop();
});

test("a server that ends before it is ready fails the start at once, with its exit code", async () => {
  const { script } = writeFakeServer(`process.exit(7);`);
  await expect(start(script)).rejects.toThrow("ended (exit code 7) before it was ready");
});

test("a server that is never ready fails the start when the time is up, and is stopped", async () => {
  const { script, pidFile } = writeFakeServer("");
  await expect(start(script, { readyTimeMsMax: 500 })).rejects.toThrow("not ready within 0.5 s");
  expect(isRunning(pidFile)).toBe(false);
});

test("a start that is given up leaves nothing running", async () => {
  const { script, pidFile } = writeFakeServer("");
  await expect(start(script, { signal: AbortSignal.timeout(500) })).rejects.toThrow("timeout");
  expect(isRunning(pidFile)).toBe(false);
});

test.skipIf(process.platform === "win32")("a server that ignores the request to stop is killed", async () => {
  const { script, pidFile } = writeFakeServer(`process.on("SIGTERM", () => {}); writeFileSync(readyFile, "{}");`);
  const server = await start(script, { stopTimeMsMax: 300 });
  await server.stop();
  expect(isRunning(pidFile)).toBe(false);
});

test("a command that does not exist fails the start", async () => {
  const starting = startLocalServer({
    command: path.join(tmpdir(), "no-such-command"),
    arguments: [],
    engines: "scripted",
    readyTimeMsMax: 10_000,
    logFile: path.join(tmpdir(), "unused.log"),
  });
  await expect(starting).rejects.toThrow("ENOENT");
});
