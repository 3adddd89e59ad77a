import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Check } from "./check.ts";
import { runCommandLine } from "./cli.ts";
import { Failure } from "./outcome-signals.ts";
import { type JsonReport, jsonReportSchema } from "./report.ts";
import { sampleCheck } from "./sample-check.fixture.ts";
import { answerJson, serveForTest } from "./test-server.fixture.ts";

const CHECKS: readonly Check[] = ["models.ok", "models.bad", "models.worse", "models.fine"].map((id) =>
  sampleCheck({
    id,
    area: "models",
    run: () =>
      id === "models.ok" || id === "models.fine"
        ? Promise.resolve()
        : Promise.reject(new Failure({ observer: "wire", expected: "a list", actual: "a map" })),
  }),
);

/** Runs the suite with a baseline of this text; null for no file. */
async function judge(baseline: string | null, ...words: readonly string[]) {
  const folder = await mkdtemp(join(tmpdir(), "gate-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, "baseline.yaml");
  const json = join(folder, "report.json");
  if (baseline !== null) await writeFile(file, baseline);
  const text = { stdout: "", stderr: "" };
  const run = async (more: readonly string[]): Promise<number> =>
    runCommandLine(["--base-url", await serveList(), "--reporter", "pretty", "--reporter", `json:${json}`, ...more], {
      stdout: { write: (part) => void (text.stdout += part), isTerminal: false, columns: 1000 },
      stderr: { write: (part) => void (text.stderr += part), isTerminal: false },
      environment: {},
      checks: CHECKS,
    });
  const exitCode = await run(["--baseline", file, ...words]);
  const readReport = async (): Promise<JsonReport> => jsonReportSchema.parse(JSON.parse(await readFile(json, "utf8")));
  return { exitCode, ...text, file, run, readReport, readFile: () => readFile(file, "utf8") };
}

const serveList = (): Promise<string> => serveForTest(answerJson({ object: "list", data: [{ id: "m" }] }));
const last = (text: string): string | undefined => text.trimEnd().split("\n").at(-1);

test("failures that the baseline names are exit code 0, and each report names them as expected", async () => {
  const { exitCode, stdout, readReport } = await judge(
    "models.bad: a map\nmodels.worse:\n  reason: the same\n  issue: '#12'\n",
  );
  expect(exitCode).toBe(0);
  expect(stdout).toContain("~ fail models.bad (must), expected failure: a map\n");
  expect(stdout).toContain("~ fail models.worse (must), expected failure: the same (#12)\n");
  expect(stdout).toContain("baseline.yaml: 2 failed as expected.\n");
  expect(last(stdout)).toBe("✓ as expected: 2 checks passed, and 2 failed as the baseline expects (exit 0)");
  const { verdict, exit_code, gate, counts, baseline, checks } = await readReport();
  expect({ verdict, exit_code, gate, fail: counts.fail }).toEqual({
    verdict: "non-conformant",
    exit_code: 0,
    gate: true,
    fail: 2,
  });
  expect(baseline).toMatchObject({ expected: 2, problems: [], update: null });
  expect(checks.find(({ id }) => id === "models.bad")).toMatchObject({
    outcome: "fail",
    baseline: { state: "expected", reason: "a map", issue: null, expires: null, flaky: null },
  });
});

test("a baseline that no longer fits is exit code 1, each entry named with its line and what to do", async () => {
  const { exitCode, stdout, readReport, file } = await judge(
    "models.bad: x\nmodels.worse: x\nmodels.ok: x\nmodels.gone: x\n",
  );
  expect(exitCode).toBe(1);
  expect(stdout).toContain(`✗ baseline models.ok (${file}:3): It passes now. Remove its entry`);
  expect(stdout).toContain(`✗ baseline models.gone (${file}:4): No check has this id.`);
  expect(last(stdout)).toMatch(
    /^✗ baseline stale: 2 entries of the baseline are wrong, such as this: models\.ok: It passes now\. .* \(exit 1\)$/,
  );
  expect((await readReport()).baseline?.problems).toMatchObject([
    { id: "models.ok", kind: "passes", line: 3 },
    { id: "models.gone", kind: "unknown", line: 4 },
  ]);
});

test("with --only, entries of other checks are not stale", async () => {
  const { exitCode } = await judge("models.bad: x\nmodels.ok: x\n", "--only", "models.bad,models.fine");
  expect(exitCode).toBe(0);
});

test("a malformed baseline is exit code 2 with its line, before anything is sent", async () => {
  const { exitCode, stdout, stderr, file } = await judge("models.bad: x\nmodels.bad: y\n");
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  expect(stderr).toBe(`The baseline ${file} is wrong:\n  ${file}:2:1: "models.bad" is there twice: also in line 1\n`);
});

test("a baseline that is absent is exit code 2", async () => {
  const { exitCode, stderr } = await judge(null);
  expect(exitCode).toBe(2);
  expect(stderr).toContain("--update-baseline writes one that fits");
});

test("--update-baseline without a file is exit code 2", async () => {
  const text = { stderr: "" };
  const exitCode = await runCommandLine(["--base-url", "http://127.0.0.1:9/v1", "--update-baseline"], {
    stdout: { write: () => {}, isTerminal: false },
    stderr: { write: (part) => void (text.stderr += part), isTerminal: false },
    environment: {},
  });
  expect(exitCode).toBe(2);
  expect(text.stderr).toContain("--update-baseline needs --baseline FILE");
});

test("--update-baseline writes a baseline that the next run fits", async () => {
  const { exitCode, stdout, run, file, readFile: read } = await judge(null, "--update-baseline");
  expect(exitCode).toBe(0);
  expect(stdout).toContain("2 failed as expected. Entries written: 2, removed: 0.\n");
  const text = await read();
  expect(text).toContain("models.bad:\n  reason: expected a list, got a map\n");
  expect(await run(["--baseline", file])).toBe(0);
  expect(await run(["--baseline", file, "--update-baseline"])).toBe(0);
  expect(await read()).toBe(text);
});

test("--update-baseline leaves the file as it is when the run proves nothing, and says so", async () => {
  const source = "models.ok: x\n";
  const { run, file, readReport, readFile: read } = await judge(source);
  expect(await run(["--base-url", "http://127.0.0.1:9/v1", "--baseline", file, "--update-baseline"])).toBe(3);
  expect(await read()).toBe(source);
  expect((await readReport()).baseline).toMatchObject({ problems: [], update: null });
});

test("--report-only is exit code 0, and the report and the last line say that it is no gate", async () => {
  const { exitCode, stdout, readReport } = await judge("{}", "--report-only");
  expect(exitCode).toBe(0);
  expect(stdout).toContain("--report-only: failures do not change the exit code, so that this run is no gate.\n");
  expect(last(stdout)).toBe("✗ not conformant: 2 must checks failed (exit 0, --report-only)");
  expect(await readReport()).toMatchObject({ verdict: "non-conformant", exit_code: 0, gate: false });
});

test("--report-only hides no target that is down", async () => {
  const { run, file } = await judge("{}");
  expect(await run(["--base-url", "http://127.0.0.1:9/v1", "--baseline", file, "--report-only"])).toBe(3);
});

test("a key that somebody wrote into a reason is in no report", async () => {
  const source = "models.bad: the key sk-planted-4711 fails\nmodels.worse:\n  reason: x\n  issue: sk-planted-4711\n";
  const { stdout, readReport } = await judge(source, "--api-key", "sk-planted-4711");
  expect(stdout).toContain("expected failure: the key [redacted] fails");
  expect(stdout + JSON.stringify(await readReport())).not.toContain("sk-planted-4711");
});
