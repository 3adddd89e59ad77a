import { expect, test } from "vitest";
import type { RelayEngine } from "../engine/relay-engine.ts";
import type { RelayCall, RelayDemand } from "./relay-request.ts";
import { boundRelay, expectRelayedTokens } from "./relay-service.ts";

const engine: RelayEngine = {
  type: "relay",
  limits: { contextTokens: 4096, completionTokensMax: 1000, concurrency: 1 },
  operations: new Set(),
  relay: async function* relay() {},
  upstreams: () => [],
  close: async () => {},
};

function callOf(demand: Partial<RelayDemand>, operation: RelayCall["operation"] = "createCompletion"): RelayCall {
  return {
    operation,
    path: "/completions",
    model: "far",
    body: { kind: "json", value: {} },
    stream: false,
    includeUsage: false,
    traceParent: null,
    demand: {
      inputBytes: 100,
      prompts: 1,
      outputTokensMax: 10,
      unlimitedOutputTokens: 0,
      answers: 1,
      audioMs: 0,
      audioMsMax: 0,
      characters: 0,
      ...demand,
    },
  };
}

test("a batch of prompts is held for a context each, and for its answers", () => {
  const { inputTokens, outputTokens } = boundRelay(engine, callOf({ inputBytes: 200_000, prompts: 20, answers: 3 }));
  expect(inputTokens).toBe(3 * 20 * 4096);
  expect(outputTokens).toBe(3 * 20 * 10);
});

test("short prompts are held for by their bytes and what a template adds", () => {
  expect(boundRelay(engine, callOf({})).inputTokens).toBe(100 + 1024);
  expect(boundRelay(engine, callOf({ inputBytes: null })).inputTokens).toBe(4096);
});

test.each([
  [{ outputTokensMax: null }, 1000],
  [{ outputTokensMax: 0 }, 1000],
  [{ outputTokensMax: 9999 }, 4096],
  [{ outputTokensMax: 10, unlimitedOutputTokens: 50 }, 60],
  [{ outputTokensMax: 10, unlimitedOutputTokens: 99_999 }, 10 + 4096],
])("of a demand of %o so much output is held: %i", (demand, outputTokens) => {
  expect(boundRelay(engine, callOf(demand)).outputTokens).toBe(outputTokens);
});

test("a recording is held for the most that it can be, with the tokens that some models count", () => {
  const bound = boundRelay(engine, callOf({ audioMs: 1, audioMsMax: 60_000 }, "createTranscription"));
  expect(bound).toMatchObject({ audioMs: 60_000, inputTokens: 4096, outputTokens: 4096 });
  expect(boundRelay(engine, callOf({ characters: 7 }, "createSpeech"))).toMatchObject({
    characters: 7,
    inputTokens: 4096,
  });
});

test("inputs of an embedding are held for by their bytes, at most a context each", () => {
  const bound = boundRelay(engine, callOf({ inputBytes: 1_000_000, prompts: 3 }, "createEmbedding"));
  expect(bound).toMatchObject({ inputTokens: 3 * 4096, outputTokens: 0 });
});

test("each prompt and answer of a batch counts against the tokens of a minute", () => {
  expect(expectRelayedTokens(engine, callOf({ prompts: 4, answers: 2 }))).toBe(25 + 80);
  expect(expectRelayedTokens(engine, callOf({}, "createEmbedding"))).toBe(25);
});
