/** More calls than slots, through HTTP: which are refused, which wait, and which are served. */

import { connect } from "node:net";
import { createScriptedEngine } from "@openai-compat/engines";
import type { ScriptedEngineSettings } from "@openai-compat/engines";
import { expect, onTestFinished, test, vi } from "vitest";
import { startTestServer } from "./testing/test-server.ts";
import type { TestServerOptions } from "./testing/test-server.ts";

const CALLS = 64;
const SLOTS = 2;
const WAITING_MAX = 8;

test("of 64 chats for 2 slots the queue takes its share, the rest gets Retry-After, and others get a turn", async () => {
  const { server, baseUrl, keys } = await startTestServer({
    engine: createScriptedEngine({ concurrency: SLOTS, tokenDelayMs: 20 }),
    models: [{ isDefault: true, queue: { waitingMax: WAITING_MAX, waitTimeMsMax: 20_000 } }],
  });
  onTestFinished(() => server.close());
  const finished: string[] = [];
  const chat = async (account: string, token: string) => {
    const response = await fetch(`${baseUrl}/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ model: "scripted", max_tokens: 8, messages: [{ role: "user", content: "Hello" }] }),
    });
    await response.arrayBuffer();
    if (response.status === 200) finished.push(account);
    return response;
  };
  const greedy = await keys.mintFor("greedy");
  const burst = Array.from({ length: CALLS }, () => chat("greedy", greedy));
  await Promise.any(burst);
  const newcomer = chat("newcomer", await keys.mintFor("newcomer"));
  const models = await fetch(`${baseUrl}/models`, { headers: { authorization: `Bearer ${greedy}` } });
  expect(models.status).toBe(200);
  expect((await newcomer).status).toBe(200);
  const servedBefore = finished.length;
  const answers = await Promise.all(burst);
  const refused = answers.filter(({ status }) => status === 429);
  const served = answers.filter(({ status }) => status === 200);
  expect(refused.length + served.length).toBe(CALLS);
  // Its account leaves one slot to the others.
  expect(served.length).toBeGreaterThanOrEqual(SLOTS - 1 + WAITING_MAX);
  for (const { headers } of refused) expect(Number(headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
  expect(servedBefore, "the newcomer did not wait for the whole queue").toBeLessThan(SLOTS + WAITING_MAX);
});

/** The scripted engine, and how many of its generations run and have begun. */
function createCountedEngine(settings: ScriptedEngineSettings) {
  const engine = createScriptedEngine(settings);
  const counts = { running: 0, begun: 0 };
  async function* generate(...parameters: Parameters<typeof engine.generate>) {
    counts.running += 1;
    counts.begun += 1;
    try {
      yield* engine.generate(...parameters);
    } finally {
      counts.running -= 1;
    }
  }
  return { engine: { ...engine, generate }, counts };
}

async function startCountedServer(settings: ScriptedEngineSettings, config: TestServerOptions["config"] = {}) {
  const { engine, counts } = createCountedEngine(settings);
  const { server, baseUrl, keys } = await startTestServer({
    engine,
    models: [{ isDefault: true, queue: { waitingMax: 64, waitTimeMsMax: 30_000 } }],
    config,
  });
  onTestFinished(() => server.close());
  const [greedy, victim] = [await keys.mintFor("greedy"), await keys.mintFor("victim")];
  const post = (token: string, path: string, body: object) =>
    fetch(`${baseUrl}${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ model: "scripted", ...body }),
    });
  const chatShortly = () => post(victim, "/chat/completions", { max_tokens: 4, messages });
  return { counts, baseUrl, greedy, post, chatShortly };
}

const messages = [{ role: "user", content: "Hello" }];
/** More than the buffers of a connection take. */
const FLOOD = { model: "scripted", stream: true, n: 128, logprobs: true, top_logprobs: 20, messages };

/** Sends a request and never reads its answer. */
function flood(baseUrl: string, token: string): void {
  const { port, hostname } = new URL(baseUrl);
  const body = JSON.stringify(FLOOD);
  const socket = connect(Number(port), hostname, () => {
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n` +
        `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
  });
  socket.pause();
  socket.on("error", () => {});
  onTestFinished(() => void socket.destroy());
}

test("streams of one account that are never read leave a slot to others, however many there are", async () => {
  const { counts, baseUrl, greedy, chatShortly } = await startCountedServer({ concurrency: 4 });
  for (let streams = 0; streams < 6; streams += 1) flood(baseUrl, greedy);
  await vi.waitFor(() => expect(counts.running).toBe(3));
  for (let chats = 0; chats < 3; chats += 1) expect((await chatShortly()).status).toBe(200);
  expect(counts.running).toBe(3);
});

test("streams that are never read give their slots up after one stall limit, all together", async () => {
  const { counts, baseUrl, greedy } = await startCountedServer(
    { concurrency: 4 },
    { limits: { streamStallTimeoutMs: 1000 } },
  );
  for (let streams = 0; streams < 3; streams += 1) flood(baseUrl, greedy);
  await vi.waitFor(() => expect(counts.running).toBeGreaterThan(0));
  await vi.waitFor(() => expect(counts.running).toBe(0), { timeout: 20_000 });
  expect(counts.begun).toBeLessThan(3 * FLOOD.n);
});

test.each([
  ["the choices of a chat", "/chat/completions", { messages, n: 128, max_tokens: 8 }],
  ["the texts of a completion", "/completions", { prompt: Array.from({ length: 128 }, () => "Hello"), max_tokens: 8 }],
])("%s count as the slots that they use, so that others don't wait for all of them", async (_what, path, body) => {
  const { counts, greedy, post, chatShortly } = await startCountedServer({ concurrency: 4, tokenDelayMs: 5 });
  const answer = post(greedy, path, body);
  await vi.waitFor(() => expect(counts.running).toBe(3));
  expect((await chatShortly()).status).toBe(200);
  expect(counts.begun).toBeLessThan(64);
  expect((await answer).status).toBe(200);
});

test("a model with one slot is shared in turns, a generation each", async () => {
  const { counts, greedy, post, chatShortly } = await startCountedServer({ concurrency: 1, tokenDelayMs: 5 });
  const answer = post(greedy, "/chat/completions", { messages, n: 64, max_tokens: 8 });
  await vi.waitFor(() => expect(counts.running).toBe(1));
  expect((await chatShortly()).status).toBe(200);
  expect(counts.begun).toBeLessThan(32);
  expect((await answer).status).toBe(200);
});
