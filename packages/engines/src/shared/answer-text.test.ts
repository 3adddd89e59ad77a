import type { TokenLogprob } from "@openai-compat/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createAnswerText } from "./answer-text.ts";
import type { AnswerDelta } from "./answer-text.ts";

const token = (text: string): TokenLogprob => ({ text, bytes: [], logprob: -1, top: [] });

function run(texts: readonly string[], stops: readonly string[]) {
  const answer = createAnswerText(stops);
  const deltas: (AnswerDelta | null)[] = [];
  for (const text of texts) {
    deltas.push(answer.push(text, token(text)));
    if (answer.stopped) break;
  }
  deltas.push(answer.end());
  const left = deltas.filter((delta) => delta !== null);
  return {
    text: left.map((delta) => delta.text).join(""),
    tokens: left.flatMap((delta) => (delta.logprobs ?? []).map((logprob) => logprob.text)),
    deltas: left,
  };
}

test("without a stop string, every token is emitted, in order, and no text without its tokens", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ maxLength: 3 })),
      fc.array(fc.string({ minLength: 1, maxLength: 3 })),
      (all, stops) => {
        const texts = [...all, "end"];
        const never = stops.filter((stop) => !texts.join("").includes(stop));
        const { text, tokens } = run(texts, never);
        expect(text).toBe(texts.join(""));
        expect(tokens).toEqual(texts);
      },
    ),
  );
});

test("of a text that is cut, the tokens are those that it was made of", () => {
  expect(run(["The", " riv", "er S", "TOP", " ran"], ["STOP"])).toMatchObject({
    text: "The river ",
    tokens: ["The", " riv", "er S"],
  });
});

test("tokens of an unfinished character are emitted with the one that completes it", () => {
  const { deltas } = run(["a", "", "", "👋", "b"], []);
  expect(deltas.map(({ text, logprobs }) => [text, logprobs?.length])).toEqual([
    ["a", 1],
    ["👋", 3],
    ["b", 1],
  ]);
});

test("without probabilities a delta is its text alone", () => {
  expect(createAnswerText([]).push("word", null)).toEqual({ text: "word" });
});
