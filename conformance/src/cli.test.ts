import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type Check, defineCheck } from "./check.ts";
import { type CommandLineIo, runCommandLine } from "./cli.ts";
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

async function type(
  words: readonly string[],
  { environment = {}, ...given }: Partial<Pick<CommandLineIo, "checks" | "environment" | "signal">> = {},
) {
  const text = { stdout: "", stderr: "" };
  const exitCode = await runCommandLine(words, {
    stdout: { write: (more) => void (text.stdout += more), isTerminal: false },
    stderr: { write: (more) => void (text.stderr += more), isTerminal: false },
    environment,
    checks: CHECKS,
    ...given,
  });
  return { exitCode, ...text };
}

const serveList = (): Promise<string> => serveForTest(answerJson({ object: "list", data: [{ id: "m" }] }));

test.each([
  ["--only", "models.ok,models.keyed"],
  ["--only", "models.ok, models.keyed"],
  ["--only", "models.ok", "--only", "models.keyed"],
])("several patterns may be given in one option or in several: %j %j", async (...words) => {
  const { exitCode, stdout } = await type(["list", ...words]);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/models\.ok[^]*models\.keyed/);
});

test.each([
  [["run"], "No target"],
  [["run", "--base-url", "nowhere"], "http://"],
  [["run", "--base-url", "http://h/v1", "--only", "nope"], 'No check matches "nope"'],
  [["run", "--base-url", "http://h/v1", "--reporter", "xml"], "is not a reporter"],
  [["run", "--base-url", "http://h/v1", "--reporter", "json:"], "is not a reporter"],
  [["run", "--base-url", "http://h/v1", "--timeout-ms", "-1"], "whole number"],
  [["run", "--base-url", "http://h/v1", "--fail-on", "never"], "must, should"],
  [["run", "--base-url", "http://h/v1", "--reporter", "json:/absent/folder/report.json"], "can't be written"],
  [["run", "--unknown"], "unknown option"],
  [["explain", "modles.ok"], 'No check matches "modles.ok". Did you mean "models.ok"?'],
  [["list", "--only", "nope"], 'No check matches "nope"'],
  [["list", "--only", "models.ok,nope"], 'No check matches "nope"'],
  [["list", "--only", "models.ok,"], 'No check matches ""'],
] as const)("wrong usage %j is exit code 2 and says why", async (words, message) => {
  const { exitCode, stderr } = await type(words);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(message);
});

test("a conforming target is exit code 0, with the target taken from the environment and no command named", async () => {
  const { exitCode, stdout } = await type(["--reporter", "pretty"], {
    environment: { OPENAI_BASE_URL: await serveList() },
  });
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
  expect(stdout).toContain("1 of 2 checks would run, 1 would not:\n    1  the target's recipe has no key `expired`\n");
});

test("--plan of something that is no OpenAI API is exit code 3", async () => {
  const { exitCode, stdout } = await type(["--plan", "--base-url", await serveForTest(answerJson({}))]);
  expect(exitCode).toBe(3);
  expect(stdout).toContain("is not an OpenAI API");
});

test("a target where nothing listens is said in a few short lines, the reason last", async () => {
  const { exitCode, stdout } = await type(["--base-url", "http://127.0.0.1:9/v1", "--reporter", "pretty"]);
  expect(exitCode).toBe(3);
  const lines = stdout.trimEnd().split("\n");
  expect(lines.length).toBeLessThanOrEqual(6);
  expect(lines.at(-1)).toMatch(/^\? not proved: Nothing at http:\/\/127\.0\.0\.1:9\/v1 .*ECONNREFUSED.* \(exit 3\)$/);
});

test.each([
  ["nothing", 404, "{}"],
  ["an error of its own", 404, '{"error":{"message":"Unknown request URL: GET /models."}}'],
  ["a web page", 200, "<!doctype html><title>Chat</title>"],
])(
  "for a base URL without /v1 that answers with %s the right one is printed, and no check runs",
  async (_, status, text) => {
    const baseUrl = await serveForTest((request, response) => {
      const isApi = request.url?.startsWith("/v1/") === true;
      response.writeHead(isApi ? 200 : status, {
        "content-type": text.startsWith("{") ? "application/json" : "text/html",
      });
      response.end(isApi ? '{"object":"list","data":[]}' : text);
    });
    const { exitCode, stdout } = await type(["--base-url", baseUrl.replace(/\/v1$/, ""), "--reporter", "pretty"]);
    expect(exitCode).toBe(3);
    expect(stdout.trimEnd().split("\n").at(-1)).toContain(`${baseUrl} is one: use it`);
  },
);

test("a run of some checks keeps the reports of all, and says where its own are", async () => {
  const folder = await mkdtemp(join(tmpdir(), "reports-"));
  const before = process.cwd();
  process.chdir(folder);
  onTestFinished(async () => {
    process.chdir(before);
    await rm(folder, { recursive: true });
  });
  const baseUrl = await serveList();
  expect((await type(["--base-url", baseUrl])).stdout).toContain("Reports: report.json, junit.xml\n");
  const whole = await readFile("report.json", "utf8");
  const { stdout } = await type(["--base-url", baseUrl, "--only", "models.ok"]);
  expect(stdout).toContain("Reports: report.partial.json, junit.partial.xml\n");
  expect(await readFile("report.json", "utf8")).toBe(whole);
  expect(JSON.parse(await readFile("report.partial.json", "utf8"))).toMatchObject({ suite: { profile: "selection" } });
});

test("an interrupted run ends with 130 and a summary, whatever was planned", async () => {
  const controller = new AbortController();
  const [first, ...rest] = CHECKS;
  if (first === undefined) throw new Error("there are no checks");
  const stopping: Check = { ...first, run: () => Promise.resolve(controller.abort(new Error("interrupted"))) };
  const folder = await mkdtemp(join(tmpdir(), "reports-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, "report.json");
  const many = Array.from({ length: 40 }, (_, index): Check => ({ ...first, id: `models.more-${index}` }));
  const { exitCode, stdout } = await type(
    ["--base-url", await serveList(), "--reporter", "pretty", "--reporter", `json:${file}`],
    {
      checks: [stopping, ...rest, ...many],
      signal: controller.signal,
    },
  );
  expect(exitCode).toBe(130);
  expect(stdout.trimEnd().split("\n").at(-1)).toMatch(
    /^\? interrupted: \d of 42 checks ended; no must check failed \(exit 130\)$/,
  );
  expect(stdout).not.toContain("models.more-7");
  expect(JSON.parse(await readFile(file, "utf8"))).toMatchObject({ exit_code: 130, verdict: "unproved" });
});

test("list prints every check and explain says what one or several are about", async () => {
  expect((await type(["explain", "models.*"])).stdout.match(/RFC 9110/g)).toHaveLength(2);
  expect((await type(["list"])).stdout.trim().split("\n")).toHaveLength(2);
  expect((await type(["explain", "models.ok"])).stdout).toContain("RFC 9110");
});

test("--help and --version end well", async () => {
  expect((await type(["--help"])).exitCode).toBe(0);
  expect((await type(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test("a reader that exits ends the list without an error", async () => {
  const child = spawn(process.execPath, [join(import.meta.dirname, "main.ts"), "list"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdout.destroy();
  const [code] = await once(child, "close");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
});
