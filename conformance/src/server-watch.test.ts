import { createServer, type RequestListener } from "node:http";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import type { Check } from "./check.ts";
import { decideVerdict } from "./exit-code.ts";
import { expectStatus } from "./expect.ts";
import type { CheckResult } from "./outcome.ts";
import { planChecks } from "./plan.ts";
import { runChecks } from "./runner.ts";
import { sampleCheck } from "./sample-check.fixture.ts";
import { answerJson, serveForTest } from "./test-server.fixture.ts";

const answer = answerJson({});

/** A check that sends these bodies, a request each, and expects 200. */
function sending(
  id: string,
  bodies: readonly string[],
  { path = "/x", ...overrides }: Partial<Check> & { path?: string } = {},
): Check {
  return sampleCheck({
    id,
    ...overrides,
    async run(context) {
      for (const body of bodies) expectStatus(await context.wire({ method: "POST", path, body }), 200);
    },
  });
}

async function run(
  baseUrl: string,
  checks: readonly Check[],
  checkTimeoutMs = 20_000,
): Promise<readonly CheckResult[]> {
  const target = { baseUrl, keys: {}, models: {} };
  return runChecks({ target, plan: planChecks(checks, target), limits: { checkTimeoutMs, restartWaitMsMax: 0 } });
}

const outcomes = (results: readonly CheckResult[]): readonly string[] => results.map(({ outcome }) => outcome);

/** Calls `react` for the body `null`, before an answer or after it, and answers everything else with 200. */
function onNull(react: RequestListener): RequestListener {
  return (request, response) => {
    let body = "";
    request.on("data", (part) => void (body += String(part)));
    request.on("end", () => (body === "null" ? react : answer)(request, response));
  };
}

/** A server whose process can end: nothing listens afterwards. */
async function serveMortal(react: (end: () => void) => RequestListener): Promise<string> {
  const end = (): void => {
    server.close();
    server.closeAllConnections();
  };
  const server = createServer(onNull(react(end)));
  onTestFinished(end);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The test server has no port.");
  return `http://127.0.0.1:${address.port}/v1`;
}

test("a check whose input ends the server fails by name, and those after it are not tried", async () => {
  const baseUrl = await serveMortal((end) => () => end());
  const results = await run(baseUrl, [sending("a", ["{}"]), sending("b", ["{}", "null"]), sending("c", ["{}"])]);
  expect(outcomes(results)).toEqual(["pass", "fail", "inconclusive"]);
  expect(results[1]?.reason).toContain("it stopped answering after POST /v1/x: GET /models now gives no response");
  expect(results[1]?.evidence?.request.body).toBe("null");
  expect(results[2]?.reason).toBe("not tried: the server stopped answering in b");
  const decision = decideVerdict(results, "must", null);
  expect(decision.exitCode).toBe(1);
  expect(decision.explanation).toBe("The server stopped answering in b. 1 must check failed.");
});

test("a server that answers the input and ends then is the check's doing as well", async () => {
  const ending = (end: () => void): RequestListener => {
    return (request, response) => {
      response.on("finish", () => setImmediate(end));
      answer(request, response);
    };
  };
  const results = await run(await serveMortal(ending), [sending("a", ["null"]), sending("b", ["{}"])]);
  expect(outcomes(results)).toEqual(["fail", "inconclusive"]);
  const last = await run(await serveMortal(ending), [sending("a", ["{}"]), sending("b", ["null"])]);
  expect(outcomes(last)).toEqual(["pass", "fail"]);
});

test("a should check that ends the server fails, for no input may", async () => {
  const baseUrl = await serveMortal((end) => () => end());
  const results = await run(baseUrl, [sending("a", ["{}"]), sending("b", ["null"], { level: "should" })]);
  expect(outcomes(results)).toEqual(["pass", "fail"]);
});

test("a server that goes deaf has stopped answering too", async () => {
  let isDeaf = false;
  const listen = onNull(() => void (isDeaf = true));
  const baseUrl = await serveForTest((request, response) => (isDeaf ? undefined : listen(request, response)));
  const results = await run(baseUrl, [sending("a", ["{}", "null"]), sending("b", ["{}"])], 1500);
  expect(outcomes(results)).toEqual(["fail", "inconclusive"]);
  expect(results[0]?.reason).toContain("no response within 1500 ms");
});

test("a connection that is lost while the server lives ends nothing", async () => {
  const baseUrl = await serveForTest(onNull((request) => request.socket.destroy()));
  const results = await run(baseUrl, [sending("a", ["{}"]), sending("b", ["null"]), sending("c", ["{}"])]);
  expect(outcomes(results)).toEqual(["pass", "fail", "pass"]);
  expect(results.map(({ endedServer }) => endedServer)).toEqual([false, false, false]);
});

test("a request that is never answered, while others are, fails its check and ends nothing", async () => {
  const baseUrl = await serveForTest(onNull(() => {}));
  const checks = [sending("a", ["{}"]), sending("b", ["null"]), sending("c", ["{}"])];
  const results = await run(baseUrl, checks, 1500);
  expect(outcomes(results)).toEqual(["pass", "fail", "pass"]);
  expect(results[1]?.reason).toBe("expected an answer, got none within 1500 ms, while a plain request is answered");
  expect(results[1]?.evidence?.request.body).toBe("null");
});

test("a slow model is no hang: there a plain chat of as many tokens takes as long", async () => {
  const asked: unknown[] = [];
  const baseUrl = await serveForTest((request, response) => {
    if (request.method === "GET") return answer(request, response);
    request.on("data", (part) => void asked.push(JSON.parse(String(part))));
  });
  const path = "/chat/completions";
  const long = '{"model":"m","messages":[],"max_tokens":50,"n":4}';
  const results = await run(baseUrl, [sending("a", [long], { path }), sending("b", ["{}"], { path })], 1000);
  expect(outcomes(results)).toEqual(["inconclusive", "inconclusive"]);
  expect(asked).toContainEqual(expect.objectContaining({ max_tokens: 200 }));
});

test("a request without a limit of tokens may take as long as its model writes", async () => {
  const baseUrl = await serveForTest((request, response) => {
    if (request.method === "GET") return answer(request, response);
    if (request.url?.endsWith("/chat/completions") === true) return answer(request, response);
  });
  const endless = ['{"prompt":"a"}', '{"prompt":["a"],"max_tokens":null}', '{"messages":[],"max_tokens":null}'];
  for (const body of endless) {
    const results = await run(baseUrl, [sending("a", [body], { path: "/completions" })], 500);
    expect(outcomes(results)).toEqual(["inconclusive"]);
  }
  const limited = ['{"prompt":"a","max_tokens":8}', '{"max_tokens":null}', "null"];
  for (const body of limited) {
    const results = await run(baseUrl, [sending("a", [body], { path: "/completions" })], 500);
    expect(outcomes(results)).toEqual(["fail"]);
  }
});

test("a server that was never there is no check's doing", async () => {
  const results = await run("http://127.0.0.1:1/v1", [sending("a", ["{}"]), sending("b", ["{}"])]);
  expect(outcomes(results)).toEqual(["inconclusive", "inconclusive"]);
  expect(decideVerdict(results, "must", null).verdict).toBe("unproved");
});
