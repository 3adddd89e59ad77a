/**
 * The unfriendly targets that a run meets in the wild, a row each: a proxy before a server that conforms does one thing
 * to it. Each run ends in bounded time with the right exit code, blames the checks that it should and says why.
 */

import { beforeAll, expect, test } from "vitest";
import { startReferenceServer } from "../reference/server.ts";
import type { RunLimits } from "./limits.ts";
import { createPrettyReporter } from "./reporters/pretty.ts";
import { judgeTarget } from "./run-conformance.ts";
import type { Target } from "./target.ts";
import { type Front, serveFront, type Visit } from "./unfriendly-front.fixture.ts";

const LIMITS: Partial<RunLimits> = {
  checkTimeoutMs: 2500,
  patienceFactorMax: 2,
  preflightTimeoutMs: 1500,
  restartWaitMsMax: 300,
  rateLimitWaitMsMax: 1500,
  recordedBytesMax: 300_000,
};

/** About fifty checks, of which those of `errors.input` send the body `null`. */
const ONLY = ["models", "chat.completion", "chat.usage", "errors.input", "errors.unknown-route"];

interface Row {
  readonly name: string;
  /** Called once for each run. */
  readonly front: () => Front;
  readonly exitCode: number;
  /** What the explanation says, which is one line. */
  readonly says: RegExp;
  /** Ids of all checks that failed, as a pattern. Default: none did. */
  readonly blames?: RegExp;
  /** What each of them says. */
  readonly because?: RegExp;
  /** Default 0: as many more warnings as this may come with it. */
  readonly warningsMax?: number;
  readonly only?: readonly string[];
  readonly target?: Partial<Target>;
  readonly limits?: Partial<RunLimits>;
}

const CONFORMS = { exitCode: 0, says: /checks passed and no must check failed\.$/ };

/** The same requests meet the same faults in each run: https://en.wikipedia.org/wiki/Linear_congruential_generator */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
}

type React = (visit: Visit) => void;

const always = (react: React) => (): Front => react;
const from = (nth: number, react: React) => always((visit) => (visit.nth >= nth ? react(visit) : visit.pass()));
const onPost = (react: React) => always((visit) => (visit.request.method === "POST" ? react(visit) : visit.pass()));
const onNull = (react: React) => always((visit) => (String(visit.body) === "null" ? react(visit) : visit.pass()));
const onPath = (path: RegExp, react: React) =>
  always((visit) => (path.test(visit.request.url ?? "") ? react(visit) : visit.pass()));
const sometimes = (seed: number, react: React) => (): Front => {
  const random = createRandom(seed);
  return (visit) => (random() < 0.1 ? react(visit) : visit.pass());
};

const respond =
  (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): React =>
  ({ response }) =>
    void response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
const page =
  (status: number): React =>
  ({ response }) =>
    void response.writeHead(status, { "content-type": "text/html" }).end("<!doctype html><title>Hello</title>");
const envelope = (code: string | null) => ({ error: { message: "no", type: "server_error", param: null, code } });
const close: React = ({ request }) => void request.socket.destroy();
const hang: React = () => {};
const cut: React = ({ response }) => {
  response.writeHead(200, { "content-type": "application/json", "content-length": "500" }).write('{"object":');
  setTimeout(() => response.destroy(), 5);
};

/** An answer without an end, a piece each time. */
const endless =
  (type: string, [head, piece]: readonly [string, string], everyMs: number): React =>
  ({ response }) => {
    response.writeHead(200, { "content-type": type }).write(head);
    const timer = setInterval(() => response.write(piece), everyMs);
    response.on("close", () => clearInterval(timer));
  };
const drip = endless("application/json", [" ", " "], 50);
const endlessStream = endless("text/event-stream", ["", 'data: {"choices":[]}\n\n'.repeat(2000)], 10);
const endlessJson = endless("application/json", ['{"data":[', '{"id":"m"},'.repeat(4000)], 10);

const limited = (headers: Readonly<Record<string, string>>, code = "rate_limit_exceeded"): React =>
  respond(429, envelope(code), headers);
const limitedUntil = (): React => (visit) =>
  limited({ "retry-after": new Date(Date.now() + 30_000).toUTCString() })(visit);
const LIMITED = {
  exitCode: 3,
  says: /met a rate limit, so conformance is not proved: .* 1500 ms of waiting did not help/,
};

/** So many requests in each half second, and a 429 for the others. */
const refilled = (allowed: number, refuse: React) => (): Front => {
  let left = allowed;
  let until = 0;
  return (visit) => {
    if (Date.now() >= until) [left, until] = [allowed, Date.now() + 500];
    left -= 1;
    if (left >= 0) visit.pass();
    else refuse(visit);
  };
};

const shiftClock = (ms: number) =>
  always((visit) => {
    visit.response.setHeader("date", new Date(Date.now() + ms).toUTCString());
    visit.pass();
  });

const DIED = /^The server stopped answering in \S+\. 1 must check failed\.$/;
const FIRST_WITH_NULL = /^errors\.input\.completions-live-on$/;
const STREAMED = /"stream":\s*true/;

const ROWS: readonly Row[] = [
  {
    name: "ends at the body null",
    front: onNull(({ die }) => die()),
    exitCode: 1,
    says: DIED,
    blames: FIRST_WITH_NULL,
    because: /it stopped answering after POST \/v1\/completions: .*ECONNREFUSED/,
  },
  {
    name: "hangs at the body null",
    front: onNull(hang),
    exitCode: 1,
    says: /^\d must checks failed/,
    blames: /^errors\.input\./,
    because: /none within \d+ ms/,
  },
  {
    name: "closes the connection at the body null",
    front: onNull(close),
    exitCode: 1,
    says: /^\d must checks failed/,
    blames: /^errors\.input\./,
    because: /no response \(ECONNRESET/,
  },
  {
    name: "answers nothing after the body null",
    front: () => {
      let isDeaf = false;
      return (visit) => {
        isDeaf ||= String(visit.body) === "null";
        if (!isDeaf) visit.pass();
      };
    },
    exitCode: 1,
    says: DIED,
    blames: FIRST_WITH_NULL,
    because: /GET \/models now gives no response within/,
  },

  {
    name: "takes every connection and says nothing",
    front: always(hang),
    exitCode: 3,
    says: /^Nothing at \S+ answered GET \/models: .*none within \d+ ms.*--preflight-timeout-ms waits longer\.$/,
  },
  {
    name: "takes every connection and closes it, as a proxy before a dead server does",
    front: always(close),
    exitCode: 3,
    says: /^Nothing at \S+ answered GET \/models: .* is the server behind a proxy down\?$/,
  },
  {
    name: "closes every connection after 30 requests",
    front: from(30, close),
    exitCode: 1,
    says: DIED,
    blames: /./,
    because: /GET \/models now gives no response \(ECONNRESET/,
  },
  {
    name: "hangs after 30 requests",
    front: from(30, hang),
    exitCode: 1,
    says: DIED,
    blames: /./,
    because: /GET \/models now gives no response within/,
  },
  {
    name: "is a proxy whose server is gone after 30 requests",
    front: from(30, page(502)),
    exitCode: 1,
    says: DIED,
    blames: /./,
    because: /GET \/models now gives status 502/,
  },
  {
    name: "is a proxy before a server that is down",
    front: always(page(502)),
    exitCode: 3,
    says: /answers 502 to GET \/models and to POST .*: a proxy is there, and the server behind it is down or starting\.$/,
  },
  {
    name: "answers 500 to everything",
    front: always(page(500)),
    exitCode: 3,
    says: /answers 500 to .*: it is broken, or not an OpenAI API\. Its log says why\.$/,
  },
  {
    name: "answers 500 in OpenAI's envelope to everything",
    front: always(respond(500, envelope(null))),
    exitCode: 1,
    says: /must checks failed/,
    blames: /./,
    because: /status 500/,
    warningsMax: 20,
  },

  {
    name: "drips",
    front: always(drip),
    exitCode: 3,
    says: /is not an OpenAI API: the answer to GET \/models had no end within \d+ ms and \d+ bytes\.$/,
  },
  {
    name: "drips in each answer to a POST",
    front: onPost(drip),
    exitCode: 3,
    says: /must checks got no answer in time \(--timeout-ms\)/,
  },
  { name: "streams without an end", front: always(endlessStream), exitCode: 3, says: /had no end within/ },
  {
    name: "streams without an end in each answer to a POST",
    front: onPost(endlessStream),
    exitCode: 1,
    says: /must checks? failed/,
    blames: /^chat\./,
    because: /an answer that ends, got more than 300000 bytes, and no end/,
    warningsMax: 3,
  },
  { name: "sends JSON without an end", front: always(endlessJson), exitCode: 3, says: /had no end within/ },
  {
    name: "sends JSON without an end in each answer to a POST",
    front: onPost(endlessJson),
    exitCode: 1,
    says: /must checks? failed/,
    blames: /^chat\./,
    because: /an answer that ends, got more than 300000 bytes, and no end/,
    warningsMax: 3,
  },
  {
    name: "stalls in each stream",
    only: ["chat.stream"],
    front: always((visit) => {
      if (STREAMED.test(String(visit.body)))
        visit.response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
      else visit.pass();
    }),
    exitCode: 3,
    says: /must checks got no answer in time \(--timeout-ms\)/,
  },

  ...[1, 2, 3].map((seed): Row => ({
    name: `answers 500 to one request in ten, seed ${seed}`,
    front: sometimes(seed, respond(500, envelope(null))),
    exitCode: 1,
    says: /the server is flaky\.$/,
    blames: /./,
    because: /^flaky, /,
    warningsMax: 3,
  })),
  {
    name: "answers one request in ten with a page under 502",
    front: sometimes(4, page(502)),
    exitCode: 1,
    says: /the server is flaky\.$/,
    blames: /./,
    because: /^flaky, /,
    warningsMax: 3,
  },
  {
    name: "loses one connection in ten",
    front: sometimes(5, close),
    exitCode: 1,
    says: /the server is flaky\.$/,
    blames: /./,
    because: /^flaky, /,
    warningsMax: 3,
  },
  {
    name: "closes idle connections after 5 ms",
    front: always(({ request, response, pass }) => {
      response.on("finish", () => setTimeout(() => request.socket.destroy(), 5));
      pass();
    }),
    ...CONFORMS,
  },
  {
    name: "cuts each answer",
    front: always(cut),
    exitCode: 3,
    says: /cuts its answers off: the connection broke inside the body, 3 times in a row/,
  },
  {
    name: "cuts each answer to a POST",
    front: onPost(cut),
    exitCode: 1,
    says: /must checks failed/,
    blames: /^(?:chat|errors)\./,
    warningsMax: 10,
  },

  { name: "limits the rate from the first request on", front: always(limited({ "retry-after": "30" })), ...LIMITED },
  { name: "limits the rate from the 30th request on", front: from(30, limited({ "retry-after": "30" })), ...LIMITED },
  { name: "limits the rate and says a date", front: from(30, limitedUntil()), ...LIMITED },
  { name: "limits the rate and does not say for how long", front: from(30, limited({})), ...LIMITED },
  { name: "limits the rate with a page", front: from(30, page(429)), ...LIMITED },
  {
    name: "says that the quota is spent",
    front: from(30, limited({}, "insufficient_quota")),
    exitCode: 3,
    says: /the account of the key `full` has nothing left/,
  },
  {
    name: "takes 40 requests in half a second",
    front: refilled(40, limited({ "retry-after": "0.5" })),
    ...CONFORMS,
    limits: { rateLimitWaitMsMax: 20_000, checkTimeoutMs: 10_000 },
  },

  { name: "answers everything with a page", front: always(page(200)), exitCode: 3, says: /is not an OpenAI API\.$/ },
  {
    name: "answers unknown routes with a page under 200",
    front: onPath(/^\/v1\/(?!models|chat)/, page(200)),
    exitCode: 1,
    says: /^1 must check failed/,
    blames: /^errors\.unknown-route$/,
    because: /got status 200, body <!doctype html>/,
  },
  {
    name: "answers unknown routes with a page under 404",
    front: onPath(/^\/v1\/(?!models|chat)/, page(404)),
    ...CONFORMS,
  },
  {
    name: "answers completions and embeddings with a page",
    only: ["completions.answers", "embeddings", "models"],
    front: onPath(/^\/v1\/(?:completions|embeddings)/, page(200)),
    exitCode: 1,
    says: /^\d must checks failed\.$/,
    blames: /^(?:completions|embeddings)\./,
    warningsMax: 8,
  },
  {
    name: "has a list of models and nothing else",
    front: onPath(/^\/v1\/(?!models$)/, respond(404, envelope(null))),
    exitCode: 1,
    says: /^1 must check failed\.$/,
    blames: /^chat\.completion\.answers$/,
  },

  ...[3600, 3 * 86_400, -365 * 86_400].map((seconds): Row => ({
    name: `has a clock that is ${seconds} s ahead`,
    front: shiftClock(seconds * 1000),
    ...CONFORMS,
  })),
  {
    name: "takes 300 ms for each answer, with a limit that one check's requests exceed together",
    only: ["chat.completion"],
    front: always(({ pass }) => void setTimeout(pass, 300)),
    ...CONFORMS,
    limits: { checkTimeoutMs: 900, patienceFactorMax: 20 },
  },

  {
    name: "is asked with a wrong key",
    target: { keys: { full: "sk-wrong-key-4711" } },
    front: always(({ pass }) => pass()),
    exitCode: 3,
    says: /turns us away\. Is the key right\?/,
  },
  {
    name: "is asked without a key",
    target: { keys: {} },
    front: always(({ pass }) => pass()),
    exitCode: 3,
    says: /turns us away\. No key was given: pass --api-key or set OPENAI_API_KEY\.$/,
  },
  {
    name: "is asked for a model that it lacks",
    target: { models: { chat: "nope" } },
    front: always(({ pass }) => pass()),
    exitCode: 3,
    says: /knows no model "nope"\. It lists "reference-chat", .*: choose with --model\.$/,
  },
];

/** Checks compile their schemas when they first run, which takes longer than the limits of the rows. */
beforeAll(async () => {
  await using server = await startReferenceServer();
  const report = await judgeTarget(server.target, { only: [...ONLY, "chat.stream", "embeddings"] });
  expect(report.exitCode).toBe(0);
}, 120_000);

test.each(ROWS)(
  "a target that $name ends with exit code $exitCode",
  { timeout: 120_000, concurrent: true },
  async (row) => {
    await using server = await startReferenceServer();
    using front = await serveFront(server.target.baseUrl, row.front());
    const { baseUrl } = front;
    const keys = { full: server.target.keys.full ?? "" };
    const models = { chat: "reference-chat", embedding: "reference-embedding" };
    let printed = "";
    const reporter = createPrettyReporter({ write: (text) => void (printed += text), isTerminal: false });
    const report = await judgeTarget(
      { baseUrl, keys, models, ...row.target },
      { only: row.only ?? ONLY, limits: { ...LIMITS, ...row.limits }, onEvent: (event) => reporter.handle(event) },
    );
    const failed = report.checks.filter(({ outcome }) => outcome === "fail");
    expect(report.explanation).toMatch(row.says);
    expect(report.exitCode).toBe(row.exitCode);
    expect(printed.trimEnd().split("\n").at(-1)).toContain(report.explanation.replace(/\.$/, ""));
    expect(failed.map(({ id }) => id).filter((id) => row.blames?.test(id) !== true)).toEqual([]);
    expect(failed.length > 0).toBe(row.blames !== undefined);
    for (const { reason } of failed) expect(reason).toMatch(row.because ?? /./);
    expect(report.counts["harness-error"]).toBe(0);
    expect(report.counts.warn).toBeLessThanOrEqual(row.warningsMax ?? 0);
  },
);

test.each([
  [
    "nothing listens",
    "http://127.0.0.1:1/v1",
    /^Nothing at \S+ answered GET \/models: .*ECONNREFUSED.* Is the server running, and is this its port\?$/,
  ],
  ["/v1 was forgotten", null, /is not an OpenAI API\. \S+\/v1 is one: use it\.$/],
])("where %s, the run ends in the first seconds and says what to do", async (_, url, says) => {
  await using server = await startReferenceServer();
  const target = { ...server.target, baseUrl: url ?? new URL(server.target.baseUrl).origin };
  const report = await judgeTarget(target, { only: ["models"], limits: LIMITS });
  expect(report.explanation).toMatch(says);
  expect(report.exitCode).toBe(3);
});
