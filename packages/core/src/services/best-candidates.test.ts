import { expect, test } from "vitest";
import { keepBest } from "./best-candidates.ts";
import type { CompletionChoiceEvent } from "./completion-request.ts";

/** A text of tokens that are as likely as the numbers say. */
function write(index: number, logprobs: readonly number[]): CompletionChoiceEvent[] {
  const text = `text ${index}`;
  const tokens = logprobs.map((logprob) => ({ text, bytes: [], logprob, top: [] }));
  return [
    ...tokens.map((token) => ({ type: "text-delta" as const, index, text, logprobs: [token] })),
    { type: "choice-end", index, finishReason: "stop" },
  ];
}

async function* play(events: readonly CompletionChoiceEvent[]) {
  yield* events;
}

async function choose(events: readonly CompletionChoiceEvent[], tellsLogprobs = false) {
  const kept: CompletionChoiceEvent[] = [];
  const options = { choices: 2, candidates: 3, tellsLogprobs };
  for await (const event of keepBest(play(events), options)) kept.push(event);
  return kept;
}

const textsOf = (events: readonly CompletionChoiceEvent[]) =>
  events.flatMap((event) => (event.type === "text-delta" ? [[event.index, event.text]] : []));

test("texts are compared by the mean of their tokens, whatever their length, and a text without a token comes last", async () => {
  const kept = await choose([...write(0, []), ...write(1, [-1, -3]), ...write(2, [-1, -1, -1])]);
  expect(textsOf(kept)).toEqual([
    [0, "text 2"],
    [0, "text 2"],
    [0, "text 2"],
    [1, "text 1"],
    [1, "text 1"],
  ]);
  expect(kept.filter(({ type }) => type === "choice-end")).toEqual([
    { type: "choice-end", index: 0, finishReason: "stop" },
    { type: "choice-end", index: 1, finishReason: "stop" },
  ]);
});

test("each prompt's texts are compared among themselves, and emitted when all of them have ended", async () => {
  const events = [...write(3, [-1]), ...write(0, [-5]), ...write(1, [-4]), ...write(4, [-3]), ...write(5, [-2])];
  expect(textsOf(await choose(events))).toEqual([
    [2, "text 3"],
    [3, "text 5"],
  ]);
  expect(textsOf(await choose([...events, ...write(2, [-6])]))).toEqual([
    [2, "text 3"],
    [3, "text 5"],
    [0, "text 1"],
    [1, "text 0"],
  ]);
});

test("the probabilities by which texts are compared are reported only where they were requested", async () => {
  const events = [...write(0, [-1]), ...write(1, [-2]), ...write(2, [-3])];
  const report = (kept: readonly CompletionChoiceEvent[]) =>
    kept.flatMap((event) => (event.type === "choice-end" ? [] : [event.logprobs?.[0]?.logprob ?? null]));
  expect(report(await choose(events, true))).toEqual([-1, -2]);
  expect(report(await choose(events, false))).toEqual([null, null]);
});

test("an echoed prompt comes with its text and is not counted among the text's tokens", async () => {
  const token = { text: "p", bytes: [], logprob: -100, top: [] };
  const prompt = { type: "prompt-delta", index: 1, text: "p", logprobs: [token] } as const;
  const kept = await choose([prompt, ...write(0, [-3]), ...write(1, [-1]), ...write(2, [-2])]);
  expect(kept[0]).toEqual({ type: "prompt-delta", index: 0, text: "p", logprobs: null });
  expect(textsOf(kept)).toEqual([
    [0, "text 1"],
    [1, "text 2"],
  ]);
});
