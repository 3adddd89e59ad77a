/** Servers that are not OpenAI APIs, or lie: the whole command line must end in time, and never with exit code 0. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { runCommandLine } from "./cli.ts";
import { jsonReportSchema } from "./report.ts";
import { answerJson, serveForTest } from "./test-server.fixture.ts";

const KEY = "sk-miniature-key-that-must-not-leak";

async function judge(baseUrl: string, ...flags: readonly string[]) {
  const folder = await mkdtemp(join(tmpdir(), "conformance-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, "report.json");
  let output = "";
  const stream = { write: (text: string) => void (output += text), isTerminal: false };
  const limits = ["--timeout-ms", "400", "--preflight-timeout-ms", "300"];
  const junitFile = join(folder, "junit.xml");
  const reporters = ["--reporter", "pretty", "--reporter", `json:${file}`, "--reporter", `junit:${junitFile}`];
  const words = ["--base-url", baseUrl, "--api-key", KEY, ...reporters];
  const startedAt = performance.now();
  const exitCode = await runCommandLine([...words, ...limits, ...flags], {
    stdout: stream,
    stderr: stream,
    environment: {},
  });
  const report = jsonReportSchema.parse(JSON.parse(await readFile(file, "utf8")));
  expect(report.exit_code).toBe(exitCode);
  const accounted = Object.values(report.counts).reduce((total, count) => total + count, 0);
  expect(accounted).toBe(report.checks.length);
  const junit = await readFile(junitFile, "utf8");
  return { exitCode, output, report, junit, elapsedMs: performance.now() - startedAt };
}

test("nothing listening proves nothing and says so", async () => {
  const { exitCode, output, report } = await judge("http://127.0.0.1:1/v1");

  expect(exitCode).toBe(3);
  expect(output).toContain("ECONNREFUSED");
  expect(report.counts.pass).toBe(0);
});

test("a static site that answers HTML to everything is not identified", async () => {
  const baseUrl = await serveForTest((_request, response) => {
    response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>Hello</title>");
  });
  const { exitCode, output } = await judge(baseUrl);
  expect(exitCode).toBe(3);
  expect(output).toContain("is not an OpenAI API");
});

test("a server that answers 200 with an empty object to everything is not identified", async () => {
  const { exitCode } = await judge(await serveForTest(answerJson({})));
  expect(exitCode).toBe(3);
});

test("a server that always answers 500 without an envelope is not identified", async () => {
  const { exitCode } = await judge(
    await serveForTest((_request, response) => void response.writeHead(500).end("oops")),
  );
  expect(exitCode).toBe(3);
});

test("a server that always answers 500 with an envelope is judged and fails", async () => {
  const body = { error: { message: "no", type: "server_error", param: null, code: null } };
  const { exitCode } = await judge(await serveForTest(answerJson(body, 500)));
  expect(exitCode).toBe(1);
});

test("a server that turns the key away is not judged, and the report says what to do", async () => {
  const body = { error: { message: "no", type: "invalid_request_error", param: null, code: "invalid_api_key" } };
  const { exitCode, output, report } = await judge(await serveForTest(answerJson(body, 401)));
  expect(exitCode).toBe(3);
  expect(report.counts.fail).toBe(0);
  expect(output).toContain("Is the key right?");
});

test("a run of some checks does not call itself the full profile", async () => {
  const baseUrl = await serveForTest(answerJson({ object: "list", data: [{ id: "m" }] }));
  const { output, report } = await judge(baseUrl, "--only", "models.list.shape");
  expect(report.suite.profile).toBe("selection");
  expect(output).toContain("Only these checks are judged: models.list.shape.");
});

test("a server that accepts requests and never answers costs one preflight, not one time limit per check", async () => {
  const { exitCode, elapsedMs } = await judge(await serveForTest(() => {}));
  expect(exitCode).toBe(3);
  expect(elapsedMs).toBeLessThan(5_000);
});

test("an endless body is left at the preflight's limits", async () => {
  const baseUrl = await serveForTest((_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    const timer = setInterval(() => response.write("data: {}\n\n"), 5);
    response.on("close", () => clearInterval(timer));
  });
  const { exitCode, elapsedMs } = await judge(baseUrl);
  expect(exitCode).toBe(3);
  expect(elapsedMs).toBeLessThan(5_000);
});

test("a server that lists models and lies about everything else fails", async () => {
  const { exitCode, output } = await judge(await serveForTest(answerJson({ object: "list", data: [{ id: "liar" }] })));
  expect(exitCode).toBe(1);
  expect(output).toContain('"liar", the first of GET /models');
});

test("a server that lists models and then hangs is given up after a few checks", async () => {
  const baseUrl = await serveForTest((request, response) => {
    if (request.url === "/v1/models") answerJson({ object: "list", data: [{ id: "m" }] })(request, response);
  });
  const { exitCode, report, elapsedMs } = await judge(baseUrl, "--only", "chat");
  expect(exitCode).toBe(3);
  expect(elapsedMs).toBeLessThan(10_000);
  expect(report.checks.filter(({ reason }) => reason.startsWith("not tried")).length).toBeGreaterThan(10);
});

test("the whole run ends at its own limit and is then not proved", async () => {
  const list = answerJson({ object: "list", data: [{ id: "m" }] });
  const baseUrl = await serveForTest((request, response) => void setTimeout(() => list(request, response), 50));
  const { exitCode, report } = await judge(baseUrl, "--only", "models.list.names-*", "--run-timeout-ms", "1");
  expect(exitCode).toBe(3);
  expect(report.checks.every(({ reason }) => reason.includes("the whole run is limited to 1 ms"))).toBe(true);
});

test("a key never reaches a report, even when the server sends it back", async () => {
  const baseUrl = await serveForTest((request, response) => {
    const message = `${"x".repeat(250)} you sent ${request.headers.authorization ?? "nothing"}`;
    answerJson({ error: { message, type: "t", param: null, code: null } }, 500)(request, response);
  });
  const { output, report, junit } = await judge(baseUrl);
  for (const artefact of [output, JSON.stringify(report), junit]) {
    expect(artefact).toContain("[redacted]");
    expect(artefact).not.toContain(KEY.slice(0, 8));
  }
  expect(output).toContain("$OPENAI_API_KEY");
});
