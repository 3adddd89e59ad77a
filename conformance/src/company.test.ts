import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import type { Check } from "./check.ts";
import type { CheckContext } from "./check-context.ts";
import { expectStatus } from "./expect.ts";
import type { RunLimits } from "./limits.ts";
import { Unsupported } from "./outcome-signals.ts";
import type { CheckResult } from "./outcome.ts";
import { planChecks } from "./plan.ts";
import { runChecks } from "./runner.ts";
import { sampleCheck } from "./sample-check.fixture.ts";
import { answerJson, serveForTest } from "./test-server.fixture.ts";

const NOBODY = "http://127.0.0.1:1/v1";

interface Run {
  readonly results: readonly CheckResult[];
  /** Ids, as the results were reported. */
  readonly reported: readonly string[];
}

async function runAll(checks: readonly Check[], limits: Partial<RunLimits> = {}, baseUrl = NOBODY): Promise<Run> {
  const target = { baseUrl, keys: {}, models: {} };
  const reported: string[] = [];
  const results = await runChecks({
    target,
    plan: planChecks(checks, target),
    limits: { restartWaitMsMax: 0, concurrency: 4, ...limits },
    onResult: ({ check }) => void reported.push(check.id),
  });
  return { results, reported };
}

const outcomes = ({ results }: Run): readonly string[] => results.map(({ outcome }) => outcome);

/** Counts how many checks run at the same time. */
function createCounter() {
  let running = 0;
  const seen: string[] = [];
  return {
    seen,
    check: (id: string, overrides: Partial<Check> = {}, delayMs = 5): Check =>
      sampleCheck({
        id,
        isIndependent: true,
        ...overrides,
        async run() {
          running += 1;
          seen.push(`${id} ${running}`);
          await sleep(delayMs);
          running -= 1;
        },
      }),
  };
}

test("independent checks run at the same time, never more than allowed, and results are in the plan's order", async () => {
  const { check, seen } = createCounter();
  const checks = [30, 5, 20, 1].map((delayMs, index) => check(`c.${index}`, {}, delayMs));
  const { results } = await runAll(checks, { concurrency: 2 });
  expect(results.map((result) => result.check.id)).toEqual(["c.0", "c.1", "c.2", "c.3"]);
  expect(seen).toEqual(["c.0 1", "c.1 2", "c.2 2", "c.3 2"]);
});

test("a check that is not independent runs alone, after the others", async () => {
  const { check, seen } = createCounter();
  const { reported } = await runAll([check("alone", { isIndependent: false }), check("a"), check("b")]);
  expect(seen).toEqual(["a 1", "b 2", "alone 1"]);
  expect(reported).toEqual(["a", "b", "alone"]);
});

test("a check that shares answers is independent unless it says otherwise", async () => {
  const { check, seen } = createCounter();
  const shares = (id: string): Check => {
    const { isIndependent: _, ...others } = check(id, { sharesAnswers: true });
    return others;
  };
  await runAll([shares("a"), shares("b"), { ...shares("c"), isIndependent: false }]);
  expect(seen).toEqual(["a 1", "b 2", "c 1"]);
});

test("with a concurrency of 1 the checks run one by one in the plan's order", async () => {
  const { check, seen } = createCounter();
  await runAll([check("a", { isIndependent: false }), check("b"), check("c")], { concurrency: 1 });
  expect(seen).toEqual(["a 1", "b 1", "c 1"]);
});

test("checks of different models are taken in turns", async () => {
  const { check, seen } = createCounter();
  const [chat, speech] = [{ needs: ["model:chat"] }, { needs: ["model:speech"] }] satisfies Partial<Check>[];
  const checks = [check("a", chat), check("b", chat), check("c", chat), check("d", speech), check("e", speech)];
  const target = { baseUrl: NOBODY, keys: {}, models: { chat: "m", speech: "s" } };
  await runChecks({ target, plan: planChecks(checks, target), limits: { concurrency: 2, restartWaitMsMax: 0 } });
  expect(seen.map((line) => line.slice(0, 1)).slice(0, 4)).toEqual(["a", "d", "b", "e"]);
});

test("a check that fails in company is run again alone, and that counts", async () => {
  let running = 0;
  const alone = sampleCheck({
    id: "alone",
    isIndependent: true,
    async run() {
      running += 1;
      await sleep(5);
      expect(running--).toBe(1);
    },
  });
  const run = await runAll([alone, { ...alone, id: "other" }]);
  expect(outcomes(run)).toEqual(["pass", "pass"]);
});

test("what a target lacks is asked for once", async () => {
  let runs = 0;
  const lacking = sampleCheck({
    isIndependent: true,
    run: () => {
      runs += 1;
      return Promise.reject(new Unsupported("no tools"));
    },
  });
  const run = await runAll([lacking]);
  expect({ outcomes: outcomes(run), runs }).toEqual({ outcomes: ["unsupported"], runs: 1 });
});

const ask = (context: CheckContext, body = "{}") => context.wire({ method: "POST", path: "/x", body });

const asking = (id: string, overrides: Partial<Check> = {}): Check =>
  sampleCheck({
    id,
    isIndependent: true,
    async run(context) {
      expectStatus(await ask(context, JSON.stringify(id)), 200);
    },
    ...overrides,
  });

/** Answers late, with how many requests there were at the same time; `react` may do otherwise. */
async function serveCrowd(react: (count: number) => number) {
  let open = 0;
  const counts: number[] = [];
  const baseUrl = await serveForTest((request, response) => {
    open += 1;
    counts.push(open);
    const status = react(open);
    setTimeout(() => {
      open -= 1;
      answerJson({}, status)(request, response);
    }, 10);
  });
  return { baseUrl, counts };
}

test.each([429, 503])("after a status %i nothing more is asked at the same time", async (status) => {
  const { baseUrl, counts } = await serveCrowd((open) => (open > 1 ? status : 200));
  const checks = Array.from({ length: 8 }, (_, index) => asking(`c.${index}`));
  const run = await runAll(checks, { concurrency: 2 }, baseUrl);
  expect(outcomes(run)).toEqual(checks.map(() => "pass"));
  expect(counts.filter((open) => open > 1)).toHaveLength(1);
});

test("a slow target is asked for less at the same time", async () => {
  const { baseUrl, counts } = await serveCrowd(() => 200);
  const checks = Array.from({ length: 6 }, (_, index) => asking(`c.${index}`));
  await runAll(checks, { concurrency: 2, checkTimeoutMs: 36 }, baseUrl);
  expect(counts.filter((open) => open > 1).length).toBeLessThan(3);
});

test("an error of the server in company makes a failure that comes and goes a flaky one", async () => {
  const { baseUrl } = await serveCrowd((open) => (open > 1 ? 500 : 200));
  const run = await runAll([asking("a"), asking("b")], {}, baseUrl);
  expect(outcomes(run)).toEqual(["pass", "fail"]);
  expect(run.results[1]?.reason).toMatch(/^flaky, 1 of 3 tries failed/);
});

test("a server that ends in company and stays away is said of a check that it left without an answer", async () => {
  let asked = 0;
  const baseUrl = await serveForTest((request, response) => {
    asked += 1;
    if (asked === 1) return answerJson({})(request, response);
    request.socket.destroy();
  });
  const first = asking("a");
  const { results } = await runAll([first, asking("b"), asking("c")], { concurrency: 2, retriesMax: 0 }, baseUrl);
  expect(results.map(({ outcome, endedServer }) => [outcome, endedServer])).toEqual([
    ["pass", false],
    ["fail", true],
    ["inconclusive", false],
  ]);
});

test("a check that sends what a running one has sent waits for its answer", async () => {
  let requests = 0;
  const baseUrl = await serveForTest((request, response) => {
    if (request.method === "POST") requests += 1;
    setTimeout(() => answerJson({ requests })(request, response), 20);
  });
  const shares = { sharesAnswers: true, run: async (context: CheckContext) => void (await ask(context)) };
  const run = await runAll([asking("a", shares), asking("b", shares), asking("c", shares)], {}, baseUrl);
  expect({ outcomes: outcomes(run), requests }).toEqual({ outcomes: ["pass", "pass", "pass"], requests: 1 });
});

test("a check that has waited for another one is given up when nothing comes", async () => {
  const baseUrl = await serveForTest((request, response) => {
    if (request.method === "GET") answerJson({})(request, response);
  });
  const shares = { sharesAnswers: true, run: async (context: CheckContext) => void (await ask(context)) };
  const run = await runAll([asking("a", shares), asking("b", shares)], { checkTimeoutMs: 100 }, baseUrl);
  expect(run.results.map(({ inconclusiveCause, observer }) => inconclusiveCause ?? observer)).toEqual(["wire", "wire"]);
});
