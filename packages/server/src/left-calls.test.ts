/** What a call costs whose client left, when the model is elsewhere: all that is known to have been produced, and no more. */

import type { ServerResponse } from "node:http";
import { expect, test, vi } from "vitest";
import { readBody, startGateway, startUpstream } from "./testing/test-gateway.ts";

/** Five words and a mark. */
const PROMPT = "Tell me about the sea .";
const PROMPT_TOKENS = 6;

/** Writes events when it is told to, and says when its caller has gone. */
async function startHangingUpstream() {
  const answers: ServerResponse[] = [];
  const left = Promise.withResolvers<void>();
  const baseUrl = await startUpstream(async (incoming, outgoing) => {
    await readBody(incoming);
    outgoing.on("close", left.resolve);
    answers.push(outgoing);
  });
  const write = (fields: object) => {
    const [answer] = answers;
    if (answer === undefined) throw new Error("Nobody has called.");
    if (!answer.headersSent) answer.writeHead(200, { "content-type": "text/event-stream" });
    const chunk = { id: "x", object: "chat.completion.chunk", created: 1, model: "scripted", ...fields };
    answer.write(`data: ${JSON.stringify(chunk)}\n\n`);
  };
  const say = (content: string, more: object = {}) =>
    write({ choices: [{ index: 0, delta: { content }, finish_reason: null }], ...more });
  return { baseUrl, answers, write, say, left: left.promise };
}

async function start() {
  const upstream = await startHangingUpstream();
  const gateway = await startGateway({ baseUrls: [upstream.baseUrl] });
  const leaving = new AbortController();
  const call = (stream: boolean) =>
    fetch(`${gateway.baseUrl}/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${gateway.keys.key}`, "content-type": "application/json" },
      body: JSON.stringify({ model: "far", stream, messages: [{ role: "user", content: PROMPT }] }),
      signal: leaving.signal,
    });
  const isCalled = () => vi.waitFor(() => expect(upstream.answers).toHaveLength(1));
  /** @returns what the account paid for, once nothing is held any more */
  const leave = async () => {
    leaving.abort();
    await upstream.left;
    await vi.waitFor(async () => expect((await gateway.stores.credits.readBalance("ada")).held).toBe(0));
    const { balance } = await gateway.stores.credits.readBalance("ada");
    return { paid: 1_000_000 - balance, entries: await gateway.usage() };
  };
  return { upstream, call, isCalled, leave };
}

/** Reads until the client has seen `text`. */
async function readUntil(response: Response, text: string): Promise<void> {
  let seen = "";
  for await (const bytes of response.body ?? []) {
    seen += Buffer.from(bytes).toString("utf8");
    if (seen.includes(text)) return;
  }
  throw new Error(`The stream ended without ${text}.`);
}

test.each([
  ["a token a chunk", ["The", " sea", " is", " deep"], 4],
  ["many words a chunk", ["The sea is", " deep and", " wide"], 6],
  ["letters and signs that no word holds", ["T", "he\n", '"', "sea"], 4],
  ["no spaces between the words", ["海は深い", "です"], 3],
])("a stream with %s is paid for by what came of it", async (_how, pieces, outputTokens) => {
  const { upstream, call, isCalled, leave } = await start();
  const answering = call(true);
  await isCalled();
  for (const piece of pieces) upstream.say(piece);
  await readUntil(await answering, JSON.stringify(pieces.at(-1)));
  expect(await leave()).toMatchObject({
    paid: PROMPT_TOKENS + outputTokens,
    entries: [{ units: { inputTokens: PROMPT_TOKENS, outputTokens } }],
  });
});

test("an upstream that counts as it goes is believed", async () => {
  const { upstream, call, isCalled, leave } = await start();
  const answering = call(true);
  await isCalled();
  upstream.say("The");
  upstream.say(" last", { usage: { prompt_tokens: 31, completion_tokens: 17 } });
  await readUntil(await answering, "last");
  expect(await leave()).toMatchObject({ paid: 48, entries: [{ units: { inputTokens: 31, outputTokens: 17 } }] });
});

test("a stream that is left before it said anything costs nothing", async () => {
  const { upstream, call, isCalled, leave } = await start();
  const answering = call(true);
  await isCalled();
  upstream.write({ choices: [{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }] });
  await readUntil(await answering, "assistant");
  expect(await leave()).toEqual({ paid: 0, entries: [] });
});

test("a one-shot answer of which nothing had come costs nothing, and its upstream is left at once", async () => {
  const { call, isCalled, leave } = await start();
  const answering = call(false).catch((thrown: unknown) => thrown);
  await isCalled();
  expect(await leave()).toEqual({ paid: 0, entries: [] });
  expect(await answering).toMatchObject({ name: "AbortError" });
});
