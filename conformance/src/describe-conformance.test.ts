import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as vitest from "vitest";
import { startReferenceServer } from "../reference/server.ts";
import type { Check } from "./check.ts";
import {
  type ConformanceTestContext,
  describeConformance,
  type DescribeConformanceOptions,
} from "./describe-conformance.ts";
import { Failure, Inconclusive, Unsupported } from "./outcome-signals.ts";
import { sampleCheck } from "./sample-check.fixture.ts";
import { answerJson, serveForTest } from "./test-server.fixture.ts";

const { expect, test } = vitest;

describeConformance({
  vitest,
  name: "the reference server",
  only: ["models", "chat.completion", "billing"],
  limits: { concurrency: 4 },
  openTarget: async () => {
    const server = await startReferenceServer();
    vitest.afterAll(() => server.close());
    const { baseUrl, keys, models, fixtures = {} } = server.target;
    return { baseUrl, keys, models, fixtures };
  },
});

const failure = new Failure({ observer: "wire", expected: "a list", actual: "a map" });

const throwing = (id: string, thrown: unknown, overrides: Partial<Check> = {}): Check =>
  sampleCheck({ id, area: "models", run: () => Promise.reject(thrown), ...overrides });

const CHECKS: readonly Check[] = [
  sampleCheck({ id: "models.ok", area: "models" }),
  throwing("models.bad", failure),
  throwing("models.poor", failure, { level: "should" }),
  throwing("models.refused", new Unsupported("it is not offered")),
  throwing("models.unclear", new Inconclusive("the model said little", "model")),
  throwing("models.broken", new TypeError("oops")),
];

/** Runs what is registered as vitest would. @returns how each test ends, by the first word of its title */
async function collect(options: Partial<DescribeConformanceOptions>, suite?: object) {
  const tests = new Map<string, (context: ConformanceTestContext) => void>();
  const hooks: ((context: object, suite: unknown) => Promise<void>)[] = [];
  const baseUrl = await serveForTest(answerJson({ object: "list", data: [{ id: "m" }] }));
  describeConformance({
    checks: CHECKS,
    baseUrl,
    limits: { retriesMax: 0 },
    ...options,
    vitest: {
      describe: (_, body) => body(),
      test: (title, body) => tests.set(title, body),
      beforeAll: (body) => hooks.push(body),
    },
  });
  for (const hook of hooks) await hook({}, suite);
  const ends = [...tests].map(([title, body]) => {
    try {
      body({
        skip: (note = "") => {
          throw new Error(`skipped: ${note}`);
        },
      });
      return [title.split(" ")[0] ?? "", "passed"];
    } catch (error) {
      return [title.split(" ")[0] ?? "", error instanceof Error ? error.message : String(error)];
    }
  });
  return Object.fromEntries(ends) as Record<string, string>;
}

test("each outcome is a test that passes, fails or is skipped, with the reason", async () => {
  const ends = await collect({});
  expect(ends).toMatchObject({
    "models.ok": "passed",
    "models.poor": "passed",
    "models.refused": "skipped: unsupported: it is not offered",
    "models.unclear": "skipped: inconclusive: the model said little",
    enough: "passed",
  });
  expect(ends["models.bad"]).toMatch(
    /^It holds\.\n  observer   wire\n  expected   a list\n  got        a map\n  reference  RFC 9110/,
  );
  expect(ends["models.broken"]).toContain("the check itself broke: TypeError: oops");
  expect(Object.keys(ends)).not.toContain("the");
});

test("with failOn should, a should that is not met fails its test", async () => {
  expect((await collect({ failOn: "should" }))["models.poor"]).toContain("got        a map");
});

test("a failure that the baseline expects is skipped with its reason, and an entry that does not fit fails a test", async () => {
  const entry = { reason: "known", issue: "#1", expires: null, flaky: null, line: null };
  const entries = new Map(["models.bad", "models.ok"].map((id) => [id, { ...entry, id }]));
  const ends = await collect({ baseline: { file: null, entries } });
  expect(ends["models.bad"]).toBe("skipped: expected failure: known (#1)");
  expect(ends["the"]).toBe(
    "models.ok: It passes now. Remove its entry, or let --update-baseline do it; `flaky: 1/3` is for one that fails at times.",
  );
});

test("a run that proves too little fails one test", async () => {
  const ends = await collect({ only: ["models.refused", "models.unclear"] });
  expect(ends["enough"]).toBe("unproved: No check passed, so nothing is proved.");
});

test("a target that is not there fails the hook of all tests, with what to do", async () => {
  await expect(collect({ baseUrl: "http://127.0.0.1:9/v1" })).rejects.toThrow("Nothing at http://127.0.0.1:9/v1");
});

test("a pattern that matches nothing is said while tests are collected", async () => {
  await expect(collect({ only: ["nope"] })).rejects.toThrow('No check matches "nope"');
});

test("without vitest its globals are used, and where there are none it is said what to pass", () => {
  const options = { checks: CHECKS, baseUrl: "http://127.0.0.1:9/v1" };
  expect(() => describeConformance(options)).toThrow("Pass vitest to describeConformance: { vitest }");
  const titles: string[] = [];
  vitest.onTestFinished(() => void vitest.vi.unstubAllGlobals());
  vitest.vi.stubGlobal("describe", (_: string, body: () => void) => body());
  vitest.vi.stubGlobal("test", (title: string) => void titles.push(title));
  vitest.vi.stubGlobal("beforeAll", () => {});
  describeConformance(options);
  expect(titles).toHaveLength(CHECKS.length + 1);
});

test("of tests that the runner skips, the checks don't run", async () => {
  const tasks = CHECKS.map(({ id, level, requirement }) => ({
    name: `${id} (${level}): ${requirement}`,
    mode: id === "models.ok" ? "run" : "skip",
  }));
  const ends = await collect({}, { tasks });
  expect(ends["models.ok"]).toBe("passed");
  expect(ends["models.bad"]).toBe("The run left models.bad out.");
});

test("vitest itself reports skips with their reasons, and its filter narrows the run", async () => {
  const folder = await mkdtemp(join(tmpdir(), "describe-conformance-"));
  vitest.onTestFinished(() => rm(folder, { recursive: true }));
  const baseUrl = await serveForTest(answerJson({ object: "list", data: [{ id: "m" }] }));
  const module = JSON.stringify(join(import.meta.dirname, "describe-conformance.ts"));
  await writeFile(
    join(folder, "sample.test.ts"),
    `import * as vitest from ${JSON.stringify(import.meta.resolve("vitest"))};
import { describeConformance } from ${module};
const check = { area: "models", level: "must", tier: "protocol", requirement: "It holds.", reference: "-", breaks: "-", operation: null };
describeConformance({ vitest, baseUrl: ${JSON.stringify(baseUrl)}, checks: [
  { ...check, id: "models.ok", needs: [], run: async () => {} },
  { ...check, id: "models.keyed", needs: ["key:expired"], run: async () => {} },
  { ...check, id: "models.other", needs: [], run: async () => console.log("it ran") },
] });
`,
  );
  const bin = fileURLToPath(new URL("../../node_modules/vitest/vitest.mjs", import.meta.url));
  const words = [bin, "run", "sample", "--root", folder, "-t", "models.(ok|keyed)"];
  const child = spawn(process.execPath, [...words, "--reporter", "verbose"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (part: string) => (text += part));
  const [code] = await once(child, "close");
  expect({ code, text }).toMatchObject({ code: 0 });
  // oxlint-disable-next-line no-control-regex -- colours
  const plain = text.replaceAll(/\u001b\[[\d;]+m/g, "");
  expect(plain).toMatch(/✓ .*models\.ok \(must\): It holds\./);
  expect(plain).toMatch(
    /↓ .*models\.keyed \(must\): It holds\..*\[not-testable: the target's recipe has no key `expired`\]/,
  );
  expect(plain).toContain("1 passed | 3 skipped (4)");
  expect(plain).not.toContain("it ran");
});
