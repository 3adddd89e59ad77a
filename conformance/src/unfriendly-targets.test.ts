/** Servers that fail now and then, limit their callers or die: who is blamed, how often it is tried, and what is said. */

import { createServer, type RequestListener } from "node:http";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import type { Check } from "./check.ts";
import { decideVerdict } from "./exit-code.ts";
import { assume, expectStatus } from "./expect.ts";
import type { RunLimits } from "./limits.ts";
import { planChecks } from "./plan.ts";
import { runChecks } from "./runner.ts";
import { sampleCheck } from "./sample-check.fixture.ts";
import { answerJson, serveForTest } from "./test-server.fixture.ts";
import { defineOwners } from "./owners.ts";

const answer = answerJson({ object: "list", data: [] });
const limited = (retryAfter: string, code = "rate_limit_exceeded"): RequestListener => {
  const body = JSON.stringify({ error: { message: "slow down", type: "requests", param: null, code } });
  return (_request, response) => response.writeHead(429, { "retry-after": retryAfter }).end(body);
};

const asking = (id: string, path = "/x"): Check =>
  sampleCheck({
    id,
    run: async ({ wire }) => void expectStatus(await wire({ method: "POST", path, body: "{}" }), 200),
  });

async function judge(baseUrl: string, checks: readonly Check[], limits: Partial<RunLimits> = {}) {
  const target = { baseUrl, keys: {}, models: {} };
  const results = await runChecks({ target, plan: planChecks(checks, target), limits });
  return { results, outcomes: results.map(({ outcome }) => outcome), decision: decideVerdict(results, "must", null) };
}

/** Answers all but these POST requests, counted from 1. */
function failing(isFailed: (post: number) => boolean, react: RequestListener): RequestListener {
  let posts = 0;
  return (request, response) => {
    if (request.method === "POST" && isFailed((posts += 1))) react(request, response);
    else answer(request, response);
  };
}

test("a 500 that comes once is a flaky failure, with how often, and no check that passes is blamed", async () => {
  const server = await serveForTest(failing((post) => post === 2, answerJson({}, 500)));
  const { results, outcomes, decision } = await judge(server, [asking("chat.a"), asking("chat.b"), asking("chat.c")]);
  expect(outcomes).toEqual(["pass", "fail", "pass"]);
  expect(results[1]).toMatchObject({ tries: { failed: 1, of: 3 } });
  expect(results[1]?.reason).toMatch(/^flaky, 1 of 3 tries failed/);
  expect(decision).toMatchObject({ exitCode: 1 });
  expect(decision.explanation).toContain("1 of them came and went: the server is flaky");
});

test("a failure of each try is no flaky one", async () => {
  const { results } = await judge(await serveForTest(failing(() => true, answerJson({}, 500))), [asking("chat.a")]);
  expect(results[0]).toMatchObject({ outcome: "fail", tries: { failed: 3, of: 3 } });
  expect(results[0]?.reason).not.toContain("flaky");
});

test("a refusal that comes once of three times is a warning: the usual case is right", async () => {
  const server = await serveForTest(failing((post) => post === 1, answerJson({}, 400)));
  expect((await judge(server, [asking("chat.a")])).outcomes).toEqual(["warn"]);
});

const steppingAside = (body: string): Check =>
  sampleCheck({
    id: "chat.steps-aside",
    async run({ wire }) {
      const exchange = await wire({ method: "POST", path: "/x", body });
      assume("an answer", defineOwners("chat.dies"), () => expectStatus(exchange, 200));
    },
  });

test("a check that stepped aside for a lost connection is tried again", async () => {
  const server = await serveForTest(
    failing(
      (post) => post === 1,
      (request) => void request.socket.destroy(),
    ),
  );
  expect((await judge(server, [steppingAside("{}")])).outcomes).toEqual(["pass"]);
});

test("an input at which the server closes each time fails its check by name, though it steps aside", async () => {
  const server = await serveForTest(
    failing(
      () => true,
      (request) => void request.socket.destroy(),
    ),
  );
  const { results } = await judge(server, [steppingAside("null")]);
  expect(results[0]).toMatchObject({ outcome: "fail", observer: "wire" });
  expect(results[0]?.actual).toContain("in 3 of 3 tries, while a plain request is answered");
});

test("a target that allows so many requests in a while is waited for, and asked more slowly until all is done", async () => {
  let free = 3;
  const refill = setInterval(() => void (free = 3), 300);
  onTestFinished(() => clearInterval(refill));
  const server = await serveForTest((request, response) => {
    free -= 1;
    (free < 0 ? limited("0.3") : answer)(request, response);
  });
  const checks = Array.from({ length: 12 }, (_, index) => asking(`chat.n${index}`));
  const { outcomes, decision } = await judge(server, checks);
  expect(outcomes).toEqual(Array(12).fill("pass"));
  expect(decision.exitCode).toBe(0);
});

test("a rate limit that waiting does not end blames nobody: the rest is not tried, and nothing is proved", async () => {
  let requests = 0;
  const server = await serveForTest((request, response) =>
    ((requests += 1) <= 1 ? answer : limited("0.05"))(request, response),
  );
  const { outcomes, results, decision } = await judge(
    server,
    [asking("chat.a"), sampleCheck({ id: "chat.b", run: asking("chat.b").run }), asking("chat.c")],
    { rateLimitWaitMsMax: 200 },
  );
  expect(outcomes).toEqual(["pass", "inconclusive", "inconclusive"]);
  expect(results[2]?.reason).toContain("not tried: the target limits our rate");
  expect(decision.exitCode).toBe(3);
  expect(decision.explanation).toContain("200 ms of waiting did not help");
});

test("an account that is empty is said at once, without waiting", async () => {
  const { outcomes, decision } = await judge(await serveForTest(limited("30", "insufficient_quota")), [
    asking("chat.a"),
  ]);
  expect(outcomes).toEqual(["inconclusive"]);
  expect(decision.explanation).toContain("the account of the key `full` has nothing left");
});

test("a 429 of one path alone is that path's own, and judged", async () => {
  const server = await serveForTest((request, response) =>
    (request.url === "/v1/fails" ? limited("1") : answer)(request, response),
  );
  const wants = sampleCheck({
    id: "chat.wants-503",
    async run({ wire }) {
      const { response } = await wire({ method: "POST", path: "/fails", body: "{}" });
      if (response?.status !== 503) expectStatus(await wire({ method: "POST", path: "/x", body: "{}" }), 503);
    },
  });
  expect((await judge(server, [wants])).outcomes).toEqual(["fail"]);
});

test("a server that dies at an input and is started again fails that check, and the others are judged", async () => {
  const listener: RequestListener = (request, response) => {
    if (request.url !== "/v1/dies") return answer(request, response);
    server.closeAllConnections();
    server.close(() => setTimeout(() => server.listen(port, "127.0.0.1"), 1500));
  };
  const server = createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const checks = [asking("chat.a"), asking("chat.kills", "/dies"), asking("chat.c")];
  const { results, outcomes } = await judge(`http://127.0.0.1:${port}/v1`, checks);
  expect(outcomes).toEqual(["pass", "fail", "pass"]);
  expect(results[1]).toMatchObject({ endedServer: true });
  expect(results[1]?.actual).toContain("it stopped answering after POST /v1/dies");
});

test("a proxy that says 502 once its server is dead is a server that stopped, and one check is blamed", async () => {
  let isDead = false;
  const server = await serveForTest((request, response) => {
    if (request.url === "/v1/dies") isDead = true;
    (isDead ? answerJson({}, 502) : answer)(request, response);
  });
  const checks = [asking("chat.a"), asking("chat.kills", "/dies"), asking("chat.c"), asking("chat.d")];
  const { outcomes, results } = await judge(server, checks, { restartWaitMsMax: 100 });
  expect(outcomes).toEqual(["pass", "fail", "inconclusive", "inconclusive"]);
  expect(results[3]?.reason).toContain("the server stopped answering in chat.kills");
});

test("a server that closes connections as soon as they are idle is not to blame", async () => {
  const listener: RequestListener = (request, response) => {
    answer(request, response);
    response.on("finish", () => setTimeout(() => request.socket.destroy(), 5));
  };
  const server = await serveForTest(listener);
  const lists = sampleCheck({
    async run({ sdk }) {
      for (let call = 0; call < 20; call += 1) {
        const { exchange } = await sdk((client) => client.models.list());
        expectStatus(exchange, 200);
        await new Promise((resolve) => setTimeout(resolve, call % 7));
      }
    },
  });
  const { results } = await judge(server, [lists]);
  expect(results[0]).toMatchObject({ outcome: "pass", tries: null });
});
