import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";

const script = path.join(import.meta.dirname, "test.ts");

function runFixture(files: Readonly<Record<string, string>>): { lastLine: string; exitCode: number | null } {
  const root = mkdtempSync(path.join(tmpdir(), "test-counts-"));
  try {
    for (const [name, source] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
      writeFileSync(path.join(root, name), source);
    }
    const run = spawnSync(process.execPath, [script, "--root", root, "--globals", "--reporter", "dot"], {
      cwd: path.dirname(import.meta.dirname),
      encoding: "utf8",
    });
    return { lastLine: run.stdout.trimEnd().split("\n").at(-1) ?? "", exitCode: run.status };
  } finally {
    rmSync(root, { recursive: true });
  }
}

test("passed and skipped tests are counted on the last line, and the run succeeds", () => {
  const run = runFixture({
    "a.test.js": `test("one", () => {}); test("two", () => {}); test.skip("three", () => {});`,
  });
  expect(run).toEqual({ lastLine: "2 passed, 0 failed, 1 skipped", exitCode: 0 });
});

test("failed tests, files that do not load, throwing hooks and stray rejections all count as failed", () => {
  const run = runFixture({
    "pass.test.js": `test("passes", () => {});`,
    "fail.test.js": `test("fails", () => { throw new Error("no"); });`,
    "load.test.js": `throw new Error("this file cannot be collected");`,
    "hook.test.js": `describe("suite", () => { beforeAll(() => { throw new Error("no"); }); test("never runs", () => {}); });`,
    "stray.test.js": `test("passes, with an error beside it", () => { void Promise.reject(new Error("stray")); });`,
  });
  expect(run).toEqual({ lastLine: "2 passed, 4 failed, 1 skipped", exitCode: 1 });
});

test.each([
  ["an exception behind the test", `setTimeout(() => { throw new Error("stray"); }, 0);`],
  ["a rejection", `void Promise.reject(new Error("stray"));`],
  ["an error event without a listener", `setTimeout(() => new EventEmitter().emit("error", new Error("stray")), 0);`],
])("%s fails the run, though every test passed", (_case, source) => {
  const run = runFixture({
    "a.test.js": `import { EventEmitter } from "node:events";
      test("passes", async () => { new EventEmitter(); ${source} await new Promise((resolve) => setTimeout(resolve, 50)); });`,
  });
  expect(run).toEqual({ lastLine: "1 passed, 1 failed, 0 skipped", exitCode: 1 });
});

test("a run in which no test ran fails", () => {
  const run = runFixture({ "a.test.js": `test.skip("skipped", () => {});` });
  expect(run).toEqual({ lastLine: "0 passed, 0 failed, 1 skipped", exitCode: 1 });
});
