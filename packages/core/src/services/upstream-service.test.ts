import { expect, test } from "vitest";
import type { UpstreamEngine } from "../engine/upstream-engine.ts";
import type { ModelRequestId } from "../model-operation-id.ts";
import type { RequestBounds } from "./upstream-request.ts";
import { estimateUpstreamCall } from "./upstream-service.ts";

const engine: UpstreamEngine = {
  type: "upstream",
  limits: { contextTokens: 4096, completionTokensMax: 1000, concurrency: 1 },
  operations: new Set(),
  bridgesResponses: true,
  forward: async function* forward() {},
  connectRealtime: null,
  upstreams: () => [],
  close: async () => {},
};

function estimate(bounds: Partial<RequestBounds>, operation: ModelRequestId = "createCompletion") {
  const request = {
    path: "/completions",
    body: { kind: "json" as const, value: {} },
    stream: false,
    includeUsage: false,
    traceParent: null,
    bounds: {
      inputBytes: 100,
      prompts: 1,
      outputTokensMax: 10,
      unlimitedOutputTokens: 0,
      answers: 1,
      audioMs: 0,
      audioMsMax: 0,
      characters: 0,
      ...bounds,
    },
  };
  return estimateUpstreamCall({ operation, engine, request });
}

test("a batch of prompts is held for a context each, and for its answers", () => {
  const { inputTokens, outputTokens } = estimate({ inputBytes: 200_000, prompts: 20, answers: 3 }).maxUsage;
  expect(inputTokens).toBe(3 * 20 * 4096);
  expect(outputTokens).toBe(3 * 20 * 10);
});

test("short prompts are held for by their bytes and what a template adds", () => {
  expect(estimate({}).maxUsage.inputTokens).toBe(100 + 1024);
  expect(estimate({ inputBytes: null }).maxUsage.inputTokens).toBe(4096);
});

test.each([
  [{ outputTokensMax: null }, 1000],
  [{ outputTokensMax: 0 }, 1000],
  [{ outputTokensMax: 9999 }, 4096],
  [{ outputTokensMax: 10, unlimitedOutputTokens: 50 }, 60],
  [{ outputTokensMax: 10, unlimitedOutputTokens: 99_999 }, 10 + 4096],
])("for the bounds %o this much output is held: %i", (bounds, outputTokens) => {
  expect(estimate(bounds).maxUsage.outputTokens).toBe(outputTokens);
});

test("a recording is held for the most that it can be, with the tokens that some models count", () => {
  const bound = estimate({ audioMs: 1, audioMsMax: 60_000 }, "createTranscription").maxUsage;
  expect(bound).toMatchObject({ audioMs: 60_000, inputTokens: 4096, outputTokens: 4096 });
  expect(estimate({ characters: 7 }, "createSpeech").maxUsage).toMatchObject({
    characters: 7,
    inputTokens: 4096,
  });
});

test("inputs of an embedding are held for by their bytes, at most a context each", () => {
  const bound = estimate({ inputBytes: 1_000_000, prompts: 3 }, "createEmbedding").maxUsage;
  expect(bound).toMatchObject({ inputTokens: 3 * 4096, outputTokens: 0 });
});

test("each prompt and answer of a batch counts against the tokens of a minute", () => {
  expect(estimate({ prompts: 4, answers: 2 }).expectedTokens).toBe(25 + 80);
  expect(estimate({}, "createEmbedding").expectedTokens).toBe(25);
});
