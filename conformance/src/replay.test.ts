import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Check } from "./check.ts";
import { runCommandLine } from "./cli.ts";
import { DEFAULT_SDK } from "./official-sdk.ts";
import { Failure } from "./outcome-signals.ts";
import type { JsonReport } from "./report.ts";
import { type SampleOutcomes, sampleJson } from "./report-file.fixture.ts";
import { sampleCheck } from "./sample-check.fixture.ts";
import { answerJson, serveForTest } from "./test-server.fixture.ts";

/** What the check got of the target, as its last run saw it. */
const seen: { key: string | undefined; model: string | undefined; sdk?: string }[] = [];

const CHECKS: readonly Check[] = [
  sampleCheck({
    id: "models.ok",
    area: "models",
    run: (context) => {
      seen.push({ key: context.key("full"), model: context.models.chat, sdk: context.officialSdk.version });
      return Promise.resolve();
    },
  }),
  sampleCheck({
    id: "models.bad",
    area: "models",
    run: () => Promise.reject(new Failure({ observer: "wire", expected: "a list", actual: "a map" })),
  }),
];

const replay = (outcomes: SampleOutcomes, id: string, ...flags: readonly string[]) =>
  replayReport(sampleJson(outcomes), id, flags);

async function replayReport(report: JsonReport, id: string, flags: readonly string[] = []) {
  const baseUrl = await serveForTest(answerJson({ object: "list", data: [{ id: "m" }] }));
  const folder = await mkdtemp(join(tmpdir(), "replay-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, "report.json");
  const target = { base_url: baseUrl, models: { chat: "m-of-report" } };
  await writeFile(file, JSON.stringify({ ...report, target }));
  const text = { stdout: "", stderr: "" };
  const exitCode = await runCommandLine(["replay", file, id, ...flags], {
    stdout: { write: (part) => void (text.stdout += part), isTerminal: false, columns: 1000 },
    stderr: { write: (part) => void (text.stderr += part), isTerminal: false },
    environment: { OPENAI_API_KEY: "sk-of-environment", OPENAI_BASE_URL: "http://127.0.0.1:9/v1" },
    checks: CHECKS,
  });
  return { exitCode, ...text, last: text.stdout.trimEnd().split("\n").at(-1) };
}

test("a check runs again at the report's base URL with its model and the key of the environment", async () => {
  seen.length = 0;
  const { exitCode, last } = await replay({ "models.ok": "pass" }, "models.ok");
  expect({ exitCode, last }).toEqual({ exitCode: 0, last: "As in the report: pass." });
  expect(seen).toMatchObject([{ key: "sk-of-environment", model: "m-of-report" }]);
});

test.each([
  ["6.49.0", "6"],
  ["5.1.0", "5"],
  ["7.0.0", "7"],
  ["12.0.0", String(DEFAULT_SDK.major)],
])("the check of a report of openai %s runs through the major %s", async (sdkVersion, major) => {
  seen.length = 0;
  const suite = { version: "1.2.3", profile: "full", sdk_version: sdkVersion, spec_sha256: null };
  await replayReport(sampleJson({ "models.ok": "pass" }, { suite }), "models.ok");
  expect(seen.map(({ sdk }) => sdk?.split(".")[0])).toEqual([major]);
});

test("flags win over the report", async () => {
  seen.length = 0;
  await replay({ "models.ok": "pass" }, "models.ok", "--model", "mine", "--api-key", "sk-of-flag");
  expect(seen).toMatchObject([{ key: "sk-of-flag", model: "mine" }]);
  const { exitCode, stdout } = await replay(
    { "models.ok": "pass" },
    "models.ok",
    "--base-url",
    "http://127.0.0.1:9/v1",
  );
  expect(exitCode).toBe(3);
  expect(stdout).not.toContain("in the report");
});

test("a check that ends otherwise says how, and the exit code is that of its run", async () => {
  const mended = await replay({ "models.ok": "fail" }, "models.ok");
  expect(mended).toMatchObject({
    exitCode: 0,
    last: "Not as in the report: fail (models.ok is fail) there, pass now.",
  });
  const broken = await replay({ "models.bad": "pass" }, "models.bad");
  expect(broken).toMatchObject({
    exitCode: 1,
    last: "Not as in the report: pass there, fail (expected a list, got a map) now.",
  });
});

test("a failure that has another reason now says both", async () => {
  const { exitCode, last } = await replay({ "models.bad": "fail" }, "models.bad");
  expect(exitCode).toBe(1);
  expect(last).toBe("As in the report: fail, with another reason. In the report: models.bad is fail");
});

test.each([
  [
    "an id that the report lacks",
    { "models.ok": "pass" },
    "models.okay",
    'has no check "models.okay". Did you mean models.ok?',
  ],
  ["a pattern", { "models.ok": "pass" }, "models.*", 'has no check "models.*"'],
  ["an id that the suite lacks", { "models.old": "pass" }, "models.old", "the report is of its version 1.2.3"],
] as const)("%s is exit code 2", async (_, outcomes, id, message) => {
  const { exitCode, stderr } = await replay(outcomes, id);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(message);
});

test("compare reads both reports and ends with its exit code", async () => {
  const folder = await mkdtemp(join(tmpdir(), "compare-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const [good, bad] = [join(folder, "good.json"), join(folder, "bad.json")];
  await writeFile(good, JSON.stringify(sampleJson({ "models.ok": "pass" })));
  await writeFile(bad, JSON.stringify(sampleJson({ "models.ok": "fail" })));
  const compare = (...words: readonly string[]): Promise<number> =>
    runCommandLine(["compare", ...words], {
      stdout: { write: () => {}, isTerminal: false },
      stderr: { write: () => {}, isTerminal: false },
      environment: {},
    });
  expect(await compare(good, bad)).toBe(1);
  expect(await compare(bad, good)).toBe(0);
  expect(await compare(good)).toBe(2);
  expect(await compare(good, join(folder, "absent"))).toBe(2);
});
