/**
 * What a call costs whose client disconnects, when the model is upstream: what the upstream reports, else what it must
 * have used.
 */

import type { ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { UpstreamEngineSettings } from "@openai-compat/engines";
import { expect, test, vi } from "vitest";
import { readBody, startGateway, startUpstream } from "./testing/test-gateway.ts";

/** Five words and a mark, and what stands around them. */
const PROMPT = "Tell me about the sea .";
const PROMPT_TOKENS = 9;
/** For a busy machine; usually it takes milliseconds. */
const WAIT = { timeout: 20_000 };

/** An upstream that writes events on request, and reports when its caller has disconnected. */
async function startHangingUpstream() {
  const answers: ServerResponse[] = [];
  const disconnected = Promise.withResolvers<void>();
  const baseUrl = await startUpstream(async (incoming, outgoing) => {
    await readBody(incoming);
    outgoing.on("close", disconnected.resolve);
    answers.push(outgoing);
  });
  const write = (...chunks: object[]) => {
    const [answer] = answers;
    if (answer === undefined) throw new Error("No call has arrived.");
    if (!answer.headersSent) answer.writeHead(200, { "content-type": "text/event-stream" });
    const chunk = { id: "x", object: "chat.completion.chunk", created: 1, model: "scripted" };
    answer.write(chunks.map((fields) => `data: ${JSON.stringify({ ...chunk, ...fields })}\n\n`).join(""));
  };
  const say = (content: string, more: object = {}) =>
    write({ choices: [{ index: 0, delta: { content }, finish_reason: null }], ...more });
  const finish = (fields: object) => {
    write(fields);
    answers[0]?.end("data: [DONE]\n\n");
  };
  return { baseUrl, answers, write, say, finish, disconnected: disconnected.promise };
}

async function start({
  prompt = PROMPT,
  ...settings
}: Partial<UpstreamEngineSettings> & { readonly prompt?: string } = {}) {
  const upstream = await startHangingUpstream();
  const gateway = await startGateway({ baseUrls: [upstream.baseUrl], ...settings });
  const disconnecting = new AbortController();
  const call = (stream: boolean) =>
    fetch(`${gateway.baseUrl}/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${gateway.keys.key}`, "content-type": "application/json" },
      body: JSON.stringify({ model: "far", stream, messages: [{ role: "user", content: prompt }] }),
      signal: disconnecting.signal,
    });
  const isCalled = () => vi.waitFor(() => expect(upstream.answers).toHaveLength(1), WAIT);
  /** @returns what the account paid for, once nothing is held any more */
  const disconnect = async (then = () => {}) => {
    disconnecting.abort();
    await vi.waitFor(() => expect(gateway.logLines.some((line) => line.includes('"complete":false'))).toBe(true), WAIT);
    then();
    await upstream.disconnected;
    await vi.waitFor(async () => expect((await gateway.stores.credits.readBalance("ada")).held).toBe(0), WAIT);
    const { balance } = await gateway.stores.credits.readBalance("ada");
    return { paid: 1_000_000 - balance, entries: await gateway.usage() };
  };
  return { upstream, call, isCalled, leave: disconnect };
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
  ["no spaces between the words", ["海は深い", "です"], 5],
])("a stream with %s is paid for by what came of it", async (_how, pieces, outputTokens) => {
  const { upstream, call, isCalled, leave: disconnect } = await start();
  const answering = call(true);
  await isCalled();
  for (const piece of pieces) upstream.say(piece);
  await readUntil(await answering, JSON.stringify(pieces.at(-1)));
  expect(await disconnect()).toMatchObject({
    paid: PROMPT_TOKENS + outputTokens,
    entries: [{ units: { inputTokens: PROMPT_TOKENS, outputTokens } }],
  });
});

test("usage reported mid-stream by the upstream is charged", async () => {
  const { upstream, call, isCalled, leave: disconnect } = await start();
  const answering = call(true);
  await isCalled();
  upstream.say("The");
  upstream.say(" last", { usage: { prompt_tokens: 31, completion_tokens: 17 } });
  await readUntil(await answering, "last");
  expect(await disconnect()).toMatchObject({ paid: 48, entries: [{ units: { inputTokens: 31, outputTokens: 17 } }] });
});

const TEXT = { choices: [{ index: 0, delta: { content: "The sea" }, finish_reason: null }] };
const STOP = { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] };
const USAGE = { choices: [], usage: { prompt_tokens: 3508, completion_tokens: 50 } };
/** 14,000 characters without a space. */
const LONG_PROMPT = "abcdefghij".repeat(1400);

test("a client that disconnects between the last text and the usage pays what the upstream reports", async () => {
  const { upstream, call, isCalled, leave: disconnect } = await start({ prompt: LONG_PROMPT, usageWaitMs: 60_000 });
  const answering = call(true);
  await isCalled();
  upstream.write(TEXT, STOP);
  // The finish reason is sent with what comes behind it; what comes with the text has been read when the text is sent.
  await readUntil(await answering, "The sea");
  expect(await disconnect(() => upstream.finish(USAGE))).toMatchObject({
    paid: 3558,
    entries: [{ units: { inputTokens: 3508, outputTokens: 50 } }],
  });
});

test("usage that does not come in time is estimated, and a word is not taken for a token", async () => {
  const { upstream, call, isCalled, leave: disconnect } = await start({ prompt: LONG_PROMPT, usageWaitMs: 50 });
  const answering = call(true);
  await isCalled();
  upstream.write(TEXT, STOP);
  // The finish reason is sent with what comes behind it; what comes with the text has been read when the text is sent.
  await readUntil(await answering, "The sea");
  const { paid } = await disconnect();
  expect(paid).toBeGreaterThanOrEqual(LONG_PROMPT.length / 4);
  expect(paid).toBeLessThan(LONG_PROMPT.length / 4 + 10);
});

test("an answer in one piece that has begun to come is paid for as reported", async () => {
  const { upstream, call, isCalled, leave: disconnect } = await start({ usageWaitMs: 60_000 });
  const answering = call(false).catch((thrown: unknown) => thrown);
  await isCalled();
  const choices = [{ index: 0, message: { role: "assistant", content: "The sea" }, finish_reason: "stop" }];
  const answer = JSON.stringify({ ...USAGE, choices });
  upstream.answers[0]?.writeHead(200, { "content-type": "application/json" });
  upstream.answers[0]?.write(answer.slice(0, 10));
  await delay(100);
  expect(await disconnect(() => upstream.answers[0]?.end(answer.slice(10)))).toMatchObject({ paid: 3558 });
  expect(await answering).toMatchObject({ name: "AbortError" });
});

test("a stream whose client disconnects before any event pays for its prompt", async () => {
  const { upstream, call, isCalled, leave: disconnect } = await start();
  const answering = call(true);
  await isCalled();
  upstream.write({ choices: [{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }] });
  await readUntil(await answering, "assistant");
  expect(await disconnect()).toMatchObject({ paid: PROMPT_TOKENS, entries: [{ units: { outputTokens: 0 } }] });
});

test("a non-streaming answer of which nothing had come costs its prompt, and its upstream is disconnected at once", async () => {
  const { call, isCalled, leave: disconnect } = await start();
  const answering = call(false).catch((thrown: unknown) => thrown);
  await isCalled();
  expect(await disconnect()).toMatchObject({ paid: PROMPT_TOKENS, entries: [{ units: { outputTokens: 0 } }] });
  expect(await answering).toMatchObject({ name: "AbortError" });
});
