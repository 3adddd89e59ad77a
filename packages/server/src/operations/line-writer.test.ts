import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, write as writeToFile } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { createLineWriter, type WriteBytes } from "./line-writer.ts";

const MODULE = join(import.meta.dirname, "line-writer.ts");

function openLogFile() {
  const folder = mkdtempSync(join(tmpdir(), "line-writer-"));
  const file = join(folder, "log");
  const descriptor = openSync(file, "a");
  onTestFinished(() => {
    closeSync(descriptor);
    rmSync(folder, { recursive: true });
  });
  return { file, descriptor };
}

test("lines arrive in their order, small ones and many at once", async () => {
  const { file, descriptor } = openLogFile();
  const write = createLineWriter(descriptor);
  const lines = Array.from({ length: 5000 }, (_, index) => `line ${index} é\n`);
  write(lines[0] ?? "");
  await vi.waitFor(() => expect(readFileSync(file, "utf8")).toBe(lines[0]), { timeout: 10_000 });
  for (const line of lines.slice(1)) write(line);
  await vi.waitFor(() => expect(readFileSync(file, "utf8")).toBe(lines.join("")), { timeout: 10_000 });
});

test("a batch that fills while the timer of a smaller one runs is written once, however slow its reader is", () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const written: string[] = [];
  const write = createLineWriter(3, (_descriptor, bytes) => void written.push(bytes.toString()));
  write("first\n");
  write(`${"x".repeat(70_000)}\n`);
  vi.advanceTimersByTime(1000);
  expect(written).toEqual([`first\n${"x".repeat(70_000)}\n`]);
});

test("what a full disk did not take is written when it has room again", async () => {
  const { file, descriptor } = openLogFile();
  const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
  const writeBytes = vi.fn<WriteBytes>(writeToFile);
  writeBytes.mockImplementationOnce((_descriptor, _bytes, done) => queueMicrotask(() => done(full, 0)));
  const write = createLineWriter(descriptor, writeBytes);
  write("first\n");
  await vi.waitFor(() => expect(writeBytes).toHaveBeenCalled(), { timeout: 10_000 });
  write("second\n");
  await vi.waitFor(() => expect(readFileSync(file, "utf8")).toBe("first\nsecond\n"), { timeout: 10_000 });
});

/** A process that logs and ends by itself, as a server does that gets SIGTERM. */
function log(source: string) {
  const program = `import { createLineWriter } from ${JSON.stringify(MODULE)};
    const write = createLineWriter(2);
    ${source}`;
  return spawn(process.execPath, ["--input-type=module", "--eval", program], { stdio: ["pipe", "ignore", "pipe"] });
}

test("what was not written yet is written when the process ends", async () => {
  const child = log(`write("first\\n"); write("last\\n"); process.exit(7);`);
  let text = "";
  child.stderr.setEncoding("utf8").on("data", (more: string) => (text += more));
  expect((await once(child, "close"))[0]).toBe(7);
  expect(text).toBe("first\nlast\n");
});

test("a closed pipe does not keep the process from ending", async () => {
  const child = log(`process.stdin.once("data", () => { write("last\\n"); process.exit(7); });`);
  child.stderr.destroy();
  child.stdin.write("go");
  expect((await once(child, "close"))[0]).toBe(7);
});
