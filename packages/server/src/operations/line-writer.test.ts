import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { createLineWriter } from "./line-writer.ts";

const MODULE = join(import.meta.dirname, "line-writer.ts");

test("lines arrive in their order, small ones and many at once", async () => {
  const folder = mkdtempSync(join(tmpdir(), "line-writer-"));
  const file = join(folder, "log");
  const descriptor = openSync(file, "a");
  onTestFinished(() => {
    closeSync(descriptor);
    rmSync(folder, { recursive: true });
  });
  const write = createLineWriter(descriptor);
  const lines = Array.from({ length: 5000 }, (_, index) => `line ${index} é\n`);
  write(lines[0] ?? "");
  await vi.waitFor(() => expect(readFileSync(file, "utf8")).toBe(lines[0]), { timeout: 10_000 });
  for (const line of lines.slice(1)) write(line);
  await vi.waitFor(() => expect(readFileSync(file, "utf8")).toBe(lines.join("")), { timeout: 10_000 });
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
