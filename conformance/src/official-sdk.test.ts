import { expect, test } from "vitest";
import { z } from "zod";
import { planChecks } from "./plan.ts";
import { runCommandLine } from "./cli.ts";
import { createCheckContext } from "./create-check-context.ts";
import { hasSdkFeature, loadOfficialSdk, SDK_FEATURE_NAMES, SDK_MAJORS, type OfficialSdk } from "./official-sdk.ts";
import { judgeTarget } from "./run-conformance.ts";
import { sampleCheck } from "./sample-check.fixture.ts";
import { answerJson, serveForTest } from "./test-server.fixture.ts";

const majors = SDK_MAJORS.map((major) => [major] as const);

test.each(majors)("openai %i is the package of that major", async (major) => {
  const { version, OpenAI } = await loadOfficialSdk(major);
  expect(version.startsWith(`${major}.`)).toBe(true);
  expect(new OpenAI({ apiKey: "none", baseURL: "http://h/v1" }).baseURL).toBe("http://h/v1");
});

const FEATURES: Readonly<Record<(typeof SDK_FEATURE_NAMES)[number], (sdk: OfficialSdk) => boolean>> = {
  "zod-4": ({ zodResponseFormat }) => {
    const { schema } = zodResponseFormat(z.object({ lot: z.string() }), "lot").json_schema;
    return JSON.stringify(schema).includes('"lot"');
  },
  "input-tokens": ({ OpenAI }) => typeof new OpenAI({ apiKey: "none" }).responses.inputTokens.count === "function",
  compact: ({ OpenAI }) => typeof new OpenAI({ apiKey: "none" }).responses.compact === "function",
  "realtime-intent": ({ OpenAI, OpenAIRealtimeWS }) => {
    const client = new OpenAI({ apiKey: "none", baseURL: "http://127.0.0.1:9/v1" });
    const connection = new OpenAIRealtimeWS({ intent: "transcription" }, client);
    connection.on("error", () => {});
    connection.socket.terminate();
    return connection.url.search === "?intent=transcription";
  },
};

test.each(SDK_MAJORS.flatMap((major) => SDK_FEATURE_NAMES.map((feature) => [major, feature] as const)))(
  "what is declared of openai %i about %s is so",
  async (major, feature) => {
    const sdk = await loadOfficialSdk(major);
    const can = (): boolean => {
      try {
        return FEATURES[feature](sdk);
      } catch {
        return false;
      }
    };
    expect(can()).toBe(hasSdkFeature(sdk, feature));
  },
);

test("a check that needs what its SDK lacks is not-testable, and the plan says which SDK", async () => {
  const check = sampleCheck({ needs: ["sdk:realtime-intent"] });
  const target = { baseUrl: "http://h/v1", keys: {}, models: {} };
  const [older] = planChecks([check], target, { officialSdk: await loadOfficialSdk(5) });
  expect(older?.skip).toMatchObject({ outcome: "not-testable" });
  expect(older?.skip?.reason).toMatch(/^openai 5\.\d+\.\d+ can't do this: realtime-intent$/);
  expect(planChecks([check], target)[0]?.skip).toBe(null);
});

test.each(majors)("a run with --sdk %i calls that major, and its report and its errors are of it", async (major) => {
  const sdk = await loadOfficialSdk(major);
  const error = { message: "no", type: "invalid_request_error", param: null, code: null };
  const baseUrl = await serveForTest((request, response) => {
    const isList = request.headers["x-stainless-lang"] === undefined;
    answerJson(isList ? { object: "list", data: [] } : { error }, isList ? 200 : 404)(request, response);
  });
  const seen: unknown[] = [];
  const check = sampleCheck({
    async run(context) {
      const outcome = await context.sdk((client) => client.models.retrieve("x"));
      seen.push(outcome.exchange.request.headers["x-stainless-package-version"]);
      seen.push(outcome.error instanceof context.officialSdk.OpenAI.NotFoundError);
    },
  });
  const report = await judgeTarget({ baseUrl, keys: {}, models: {} }, { checks: [check], sdk: major });
  expect(report.suite.sdkVersion).toBe(sdk.version);
  expect(seen).toEqual([sdk.version, true]);
});

test("a context without an SDK of its own gets the newest", () => {
  const target = { baseUrl: "http://h/v1", keys: {}, models: {} };
  const { context } = createCheckContext({ target, signal: new AbortController().signal });
  expect(context.officialSdk.major).toBe(Math.max(...SDK_MAJORS));
});

test("an SDK that does not exist is wrong usage, and the majors are named", async () => {
  let text = "";
  const output = { write: (more: string) => void (text += more), isTerminal: false };
  const words = ["run", "--base-url", "http://127.0.0.1:1/v1", "--sdk", "4"];
  expect(await runCommandLine(words, { stdout: output, stderr: output, environment: {} })).toBe(2);
  expect(text).toContain("5, 6, 7");
});
