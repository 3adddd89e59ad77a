import { AiError } from "@openai-compat/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Turn } from "../decode-input.ts";
import type { Parts } from "./encode-messages.ts";
import { createShortener } from "./shorten-turns.ts";

type Turns = readonly Turn<Parts>[];

const OPTIONS = { outputTokensMax: 16, otherCharacters: 0 };
const TRIES_MAX = 5;

/** An upstream that reads a token for so many characters. */
function createUpstream(contextTokens: number, charactersPerToken = 4) {
  const count = (turns: Turns) =>
    Math.ceil(turns.reduce((sum, { content }) => sum + 8 + content.length, 0) / charactersPerToken);
  const refuse = (turns: Turns) =>
    new AiError(
      "context_length_exceeded",
      `This model's maximum context length is ${contextTokens} tokens. However, your messages resulted in ${count(turns)} tokens.`,
    );
  return { count, refuse, fits: (turns: Turns) => count(turns) + OPTIONS.outputTokensMax <= contextTokens };
}

function converse(lengths: readonly number[]): Turns {
  const earlier = lengths.flatMap((length): Turns => [
    { role: "user", content: "q".repeat(length) },
    { role: "assistant", content: "a".repeat(length) },
  ]);
  return [{ role: "system", content: "Be brief." }, ...earlier, { role: "user", content: "Why?" }];
}

/** @returns what was sent, in this order, until something fits or nothing more can be left out */
function send(turns: Turns, upstream: ReturnType<typeof createUpstream>, refuse = upstream.refuse): readonly Turns[] {
  const shorten = createShortener(turns, OPTIONS);
  const sent = [turns];
  for (let last: Turns = turns; !upstream.fits(last);) {
    const shorter = shorten(refuse(last));
    if (shorter === null) break;
    sent.push(shorter);
    last = shorter;
  }
  return sent;
}

test("the numbers of one refusal are enough where turns are alike, and most of what fits is kept", () => {
  const upstream = createUpstream(1000);
  const sent = send(converse(Array.from({ length: 40 }, () => 100)), upstream);
  expect(sent).toHaveLength(2);
  const kept = sent.at(-1) ?? [];
  expect(kept[0]).toMatchObject({ role: "system" });
  expect(kept.slice(1, 3)).toMatchObject([{ role: "user" }, { role: "assistant" }]);
  expect(kept.at(-1)).toEqual({ role: "user", content: "Why?" });
  expect(upstream.count(kept)).toBeGreaterThan(600);
});

test("without numbers half of the rest goes each time", () => {
  const upstream = createUpstream(300);
  const words = new AiError("context_length_exceeded", "The prompt is too long.");
  const sent = send(converse(Array.from({ length: 32 }, () => 50)), upstream, () => words);
  const lengths = sent.map((turns) => turns.length);
  expect(lengths.length).toBeGreaterThan(2);
  for (const [index, length] of lengths.slice(1).entries()) {
    expect(length).toBeLessThanOrEqual((lengths[index] ?? 0) / 2 + 3);
    expect(length).toBeGreaterThan(2);
  }
});

test("what is left in the end is the system message and the last question, and then nothing more is sent", () => {
  const shorten = createShortener(converse([10, 10, 10]), OPTIONS);
  const refusal = new AiError("context_length_exceeded", "The prompt is too long.");
  const sent: (Turns | null)[] = [];
  do sent.push(shorten(refusal));
  while (sent.at(-1) !== null);
  expect(sent.at(-2)).toEqual(converse([]));
  expect(createShortener(converse([]), OPTIONS)(refusal)).toBeNull();
});

test("whatever the conversation, few tries find what fits, or the shortest that there is", () => {
  const lengths = fc.array(fc.integer({ min: 0, max: 4000 }), { maxLength: 60 });
  fc.assert(
    fc.property(lengths, fc.integer({ min: 20, max: 20_000 }), fc.boolean(), (turnLengths, context, hasNumbers) => {
      const upstream = createUpstream(context, 3);
      const turns = converse(turnLengths);
      const silent = () => new AiError("context_length_exceeded", "The prompt is too long.");
      const sent = send(turns, upstream, hasNumbers ? upstream.refuse : silent);
      expect(sent.length).toBeLessThanOrEqual(1 + TRIES_MAX);
      for (const [index, shorter] of sent.slice(1).entries())
        expect(shorter.length).toBeLessThan(sent[index]?.length ?? 0);
      const last = sent.at(-1) ?? [];
      expect(upstream.fits(last) || last.length === converse([]).length).toBe(true);
      expect(turns.slice(-last.length + 1)).toEqual(last.slice(1));
    }),
  );
});
