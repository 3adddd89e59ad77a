import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type Check, defineCheck } from "./check.ts";
import { runCommandLine } from "./cli.ts";
import { answerJson, serveForTest } from "./test-server.fixture.ts";

const CHECKS: readonly Check[] = ["models.ok", "models.keyed"].map((id) =>
  defineCheck({
    id,
    area: "models",
    level: "must",
    tier: "protocol",
    requirement: "It holds.",
    reference: "RFC 9110",
    breaks: "Everyone.",
    operation: "listModels",
    needs: id === "models.keyed" ? ["key:expired"] : [],
    run: () => Promise.resolve(),
  }),
);

async function type(words: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const text = { stdout: "", stderr: "" };
  const exitCode = await runCommandLine(words, {
    stdout: { write: (more) => void (text.stdout += more), isTerminal: false },
    stderr: { write: (more) => void (text.stderr += more), isTerminal: false },
    environment,
    checks: CHECKS,
  });
  return { exitCode, ...text };
}

const serveList = (): Promise<string> => serveForTest(answerJson({ object: "list", data: [{ id: "m" }] }));

test.each([
  [["run"], "No target"],
  [["run", "--base-url", "nowhere"], "http://"],
  [["run", "--base-url", "http://h/v1", "--only", "nope"], 'No check matches "nope"'],
  [["run", "--base-url", "http://h/v1", "--reporter", "xml"], "is no reporter"],
  [["run", "--base-url", "http://h/v1", "--reporter", "json:"], "is no reporter"],
  [["run", "--base-url", "http://h/v1", "--timeout-ms", "-1"], "whole number"],
  [["run", "--base-url", "http://h/v1", "--fail-on", "never"], "must, should"],
  [["run", "--base-url", "http://h/v1", "--reporter", "json:/absent/folder/report.json"], "can't be written"],
  [["run", "--unknown"], "unknown option"],
  [["explain", "nope"], 'No check has the id "nope"'],
  [["list", "--only", "nope"], "No check matches nope"],
] as const)("wrong usage %j is exit code 2 and says why", async (words, message) => {
  const { exitCode, stderr } = await type(words);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(message);
});

test("a conforming target is exit code 0, with the target taken from the environment and no command named", async () => {
  const { exitCode, stdout } = await type(["--reporter", "pretty"], { OPENAI_BASE_URL: await serveList() });
  expect(exitCode).toBe(0);
  expect(stdout).toContain("not-testable models.keyed");
});

test("each reporter writes to the file that it is given", async () => {
  const folder = await mkdtemp(join(tmpdir(), "reports-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const files = { json: join(folder, "a"), junit: join(folder, "b"), pretty: join(folder, "c") };
  const reporters = Object.entries(files).flatMap(([name, file]) => ["--reporter", `${name}:${file}`]);
  const { stdout } = await type(["run", "--base-url", await serveList(), ...reporters]);
  expect(stdout).toBe("");
  expect(JSON.parse(await readFile(files.json, "utf8"))).toMatchObject({
    verdict: "conformant",
    target: { models: { chat: "m" } },
  });
  expect(await readFile(files.junit, "utf8")).toContain('tests="2"');
  expect(await readFile(files.pretty, "utf8")).toContain("conformant");
});

test("--plan says what would run and why the rest would not, and runs nothing", async () => {
  const { exitCode, stdout } = await type(["--plan", "--base-url", await serveList()]);
  expect(exitCode).toBe(0);
  expect(stdout).toContain("run models.ok\n");
  expect(stdout).toContain("not-testable models.keyed: the target's recipe has no key `expired`");
  expect(stdout).toContain("2 planned: 1 would run, 1 would not.");
});

test("--plan of something that is no OpenAI API is exit code 3", async () => {
  const { exitCode, stdout } = await type(["--plan", "--base-url", await serveForTest(answerJson({}))]);
  expect(exitCode).toBe(3);
  expect(stdout).toContain("does not talk like an OpenAI API");
});

test("list prints every check and explain says what one is about", async () => {
  expect((await type(["list"])).stdout.trim().split("\n")).toHaveLength(2);
  expect((await type(["explain", "models.ok"])).stdout).toContain("RFC 9110");
});

test("--help and --version end well", async () => {
  expect((await type(["--help"])).exitCode).toBe(0);
  expect((await type(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});
