/** Responses in the background through the official SDK, against listening servers. */

import OpenAI from "openai";
import type { ResponseStreamEvent } from "openai/resources/responses/responses";
import type { RecommendedSampling } from "@openai-compat/core";
import { createScriptedEngine } from "@openai-compat/engines";
import { expect, onTestFinished, test, vi } from "vitest";
import type { ConfigInput } from "./config.ts";
import { createMemoryStores } from "./stores/memory.ts";
import type { Stores } from "./stores/stores.ts";
import { startTestServer } from "./testing/test-server.ts";

const request = { model: "scripted", input: "Tell me about the sea.", max_output_tokens: 40, temperature: 0 } as const;
const background = { ...request, background: true } as const;
const WAIT = { timeout: 20_000, interval: 50 };

interface StartOptions {
  readonly recommendedSampling?: RecommendedSampling;
  readonly stores?: Stores;
  readonly tokenDelayMs?: number;
  readonly config?: ConfigInput;
}

async function start(options: StartOptions = {}) {
  const { stores = createMemoryStores(), tokenDelayMs = 0, config = {}, recommendedSampling = {} } = options;
  const engine = { ...createScriptedEngine({ tokenDelayMs }), recommendedSampling };
  const { server, baseUrl, keys } = await startTestServer({ stores, engine, config });
  let closing: Promise<void> | null = null;
  const close = () => (closing ??= server.close());
  onTestFinished(close);
  const open = (apiKey: string) => new OpenAI({ baseURL: baseUrl, apiKey, maxRetries: 0, logLevel: "off" });
  return { client: open(keys.key), openAs: async (id: string) => open(await keys.mintFor(id)), close, stores };
}

async function waitForEnd(client: OpenAI, id: string) {
  return vi.waitFor(async () => {
    const response = await client.responses.retrieve(id);
    expect(["queued", "in_progress"]).not.toContain(response.status);
    return response;
  }, WAIT);
}

async function readAll(stream: AsyncIterable<ResponseStreamEvent>): Promise<readonly ResponseStreamEvent[]> {
  const events: ResponseStreamEvent[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

test("a response in the background answers at once, and is polled until it is what a plain one would have been", async () => {
  const { client } = await start({ tokenDelayMs: 5 });
  const plain = await client.responses.create(request);
  const begun = await client.responses.create(background);
  expect(begun).toMatchObject({ background: true, output: [], usage: null, completed_at: null, error: null });
  expect(["queued", "in_progress"]).toContain(begun.status);
  const ended = await waitForEnd(client, begun.id);
  expect(ended).toMatchObject({ id: begun.id, background: true, status: plain.status });
  const { input_tokens, output_tokens, total_tokens } = plain.usage ?? {};
  expect(ended.usage).toMatchObject({ input_tokens, output_tokens, total_tokens });
  expect(textOf(ended)).toBe(plain.output_text);
  const next = await client.responses.create({ ...request, input: "Go on.", previous_response_id: begun.id });
  expect(next.usage?.input_tokens).toBeGreaterThan(plain.usage?.input_tokens ?? Infinity);
});

function textOf({ output }: OpenAI.Responses.Response): string {
  return output
    .flatMap((item) => (item.type === "message" ? item.content : []))
    .map((part) => (part.type === "output_text" ? part.text : ""))
    .join("");
}

test("its stream is numbered without gaps, and can be gone on from any event, during it and after it", async () => {
  const { client } = await start({ tokenDelayMs: 5 });
  const stream = await client.responses.create({ ...background, stream: true });
  const events = await readAll(stream);
  expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, index) => index));
  expect(events.slice(0, 3).map(({ type }) => type)).toEqual([
    "response.created",
    "response.queued",
    "response.in_progress",
  ]);
  const last = events.at(-1);
  if (last?.type !== "response.incomplete" && last?.type !== "response.completed") return expect.unreachable();
  const { id } = last.response;
  for (let after = 0; after < events.length; after += 1) {
    const rest = await client.responses.retrieve(id, { stream: true, starting_after: after });
    expect(await readAll(rest)).toEqual(events.slice(after + 1));
  }
  expect(await readAll(await client.responses.retrieve(id, { stream: true }))).toEqual(events);
});

test("what it says of itself while it is queued holds to its end", async () => {
  const { client } = await start({ recommendedSampling: { temperature: 0.2, topP: 0.9 } });
  const asked = {
    model: "scripted",
    input: "Tell me about the sea.",
    max_output_tokens: 16,
    background: true,
  } as const;
  for (const [fields, said] of [
    [{}, { temperature: 0.2, top_p: 0.9 }],
    [{ temperature: 0 }, { temperature: 0, top_p: 1 }],
    [{ temperature: 0.7 }, { temperature: 0.7, top_p: 0.9 }],
  ] as const) {
    const events = await readAll(await client.responses.create({ ...asked, ...fields, stream: true }));
    const states = events.flatMap((event) => ("response" in event ? [event.response] : []));
    expect(states.length).toBeGreaterThan(3);
    for (const state of states) expect(state).toMatchObject(said);
  }
});

test("a client that leaves the stream does not stop it, and another stream goes on where it left", async () => {
  const { client } = await start({ tokenDelayMs: 20 });
  const controller = new AbortController();
  const stream = await client.responses.create({ ...background, stream: true }, { signal: controller.signal });
  const seen: ResponseStreamEvent[] = [];
  for await (const event of stream) {
    seen.push(event);
    if (event.type === "response.output_text.delta") break;
  }
  controller.abort();
  const [first] = seen;
  if (first?.type !== "response.created") return expect.unreachable();
  const { id } = first.response;
  const rest = await readAll(await client.responses.retrieve(id, { stream: true, starting_after: seen.length - 1 }));
  expect(rest[0]?.sequence_number).toBe(seen.length);
  expect(rest.at(-1)?.type).toMatch(/^response\.(?:completed|incomplete)$/);
  expect((await waitForEnd(client, id)).usage?.output_tokens).toBe(request.max_output_tokens);
});

test("a cancelled response ends at once, keeps what it has, pays for that alone, and may be cancelled again", async () => {
  const { client, stores } = await start({ tokenDelayMs: 50 });
  const begun = await client.responses.create({ ...background, max_output_tokens: 400 });
  const stream = await client.responses.retrieve(begun.id, { stream: true });
  const reading = readAll(stream);
  await vi.waitFor(async () => {
    const events = await stores.responseRuns.listEvents({ accountId: "ada", id: begun.id }, 5);
    expect(events.length).toBeGreaterThan(3);
  }, WAIT);
  const cancelled = await client.responses.cancel(begun.id);
  expect(cancelled).toMatchObject({ id: begun.id, status: "cancelled", error: null });
  expect(textOf(cancelled).length).toBeGreaterThan(0);
  expect(cancelled.usage?.output_tokens).toBeLessThan(400);
  expect(await client.responses.cancel(begun.id)).toEqual(cancelled);
  expect((await reading).at(-1)).toMatchObject({ type: "response.failed", response: { status: "cancelled" } });
  const entries = await stores.credits.listEntries({ accountId: "ada", limit: 10 });
  expect(entries).toMatchObject([{ kind: "usage", units: { outputTokens: cancelled.usage?.output_tokens } }]);
});

test("a response that has ended is cancelled without an effect, and one that was plain is refused", async () => {
  const { client } = await start();
  const { id } = await client.responses.create(background);
  const ended = await waitForEnd(client, id);
  expect(ended).toMatchObject(await client.responses.cancel(id));
  const plain = await client.responses.create(request);
  await expect(client.responses.cancel(plain.id)).rejects.toMatchObject({ status: 400 });
  await expect(client.responses.retrieve(plain.id, { stream: true })).rejects.toMatchObject({
    status: 400,
    param: "stream",
  });
});

test("what is refused is refused before anything runs, and is not there", async () => {
  const { client } = await start();
  const refused = (fields: object) => client.responses.create({ ...background, ...fields });
  await expect(refused({ store: false })).rejects.toMatchObject({ status: 400, param: "background" });
  await expect(refused({ model: "unknown" })).rejects.toMatchObject({ status: 400, code: "model_not_found" });
  await expect(refused({ input: "word ".repeat(200_000) })).rejects.toMatchObject({
    status: 400,
    code: "context_length_exceeded",
  });
});

test("nobody sees, streams or cancels another account's", async () => {
  const { client, openAs } = await start({ tokenDelayMs: 20 });
  const other = await openAs("another");
  const { id } = await client.responses.create(background);
  for (const ask of [
    () => other.responses.retrieve(id),
    () => other.responses.retrieve(id, { stream: true }),
    () => other.responses.cancel(id),
  ]) {
    await expect(ask()).rejects.toMatchObject({ status: 404, code: "not_found" });
  }
  expect((await waitForEnd(client, id)).status).not.toBe("cancelled");
});

test("one that runs lists its input and can't be deleted; one that has ended is deleted with its events", async () => {
  const { client, stores } = await start({ tokenDelayMs: 50 });
  const { id } = await client.responses.create({ ...background, max_output_tokens: 400 });
  expect((await client.responses.inputItems.list(id)).data).toMatchObject([{ type: "message", role: "user" }]);
  await expect(client.responses.delete(id)).rejects.toMatchObject({
    status: 400,
    message: expect.stringContaining("Cancel it first"),
  });
  await client.responses.cancel(id);
  await client.responses.delete(id);
  await expect(client.responses.retrieve(id)).rejects.toMatchObject({ status: 404 });
  await expect(client.responses.retrieve(id, { stream: true })).rejects.toMatchObject({ status: 404 });
  expect(await stores.responseRuns.listEvents({ accountId: "ada", id }, -1)).toEqual([]);
});

test("an account runs no more in the background at once than it may", async () => {
  const { client, openAs } = await start({ tokenDelayMs: 50, config: { responses: { backgroundRunsMax: 1 } } });
  const { id } = await client.responses.create({ ...background, max_output_tokens: 400 });
  await expect(client.responses.create(background)).rejects.toMatchObject({ status: 429 });
  const other = await openAs("another");
  await other.responses.create({ ...background, max_output_tokens: 1 });
  await client.responses.cancel(id);
  await waitForEnd(client, (await client.responses.create({ ...background, max_output_tokens: 1 })).id);
});

test("a response with more events than are stored of one fails, and says so", async () => {
  const config = { responses: { backgroundEventBytesMax: 16 * 1024 } };
  const { client } = await start({ config });
  const { id } = await client.responses.create({ ...background, max_output_tokens: 2000 });
  const ended = await waitForEnd(client, id);
  expect(ended).toMatchObject({ status: "failed", error: { message: expect.stringContaining("16384 bytes") } });
  expect(ended.usage?.output_tokens).toBeGreaterThan(0);
});

test("another server on the same store streams it as it comes, and cancels it", async () => {
  const stores = createMemoryStores();
  const [one, two] = [await start({ stores, tokenDelayMs: 50 }), await start({ stores })];
  const { id } = await one.client.responses.create({ ...background, max_output_tokens: 400 });
  const reading = readAll(await two.client.responses.retrieve(id, { stream: true, starting_after: 1 }));
  await vi.waitFor(async () => {
    expect((await stores.responseRuns.listEvents({ accountId: "ada", id }, 5)).length).toBeGreaterThan(3);
  }, WAIT);
  expect((await two.client.responses.cancel(id)).status).toBe("cancelled");
  const events = await reading;
  expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, index) => index + 2));
  expect((await one.client.responses.retrieve(id)).status).toBe("cancelled");
});

test("a server that stops ends what runs in the background with a reason, paid for what there is", async () => {
  const stores = createMemoryStores();
  const one = await start({ stores, tokenDelayMs: 50, config: { limits: { shutdownTimeoutMs: 300 } } });
  const { id } = await one.client.responses.create({ ...background, max_output_tokens: 400 });
  await one.close();
  const { client } = await start({ stores });
  const ended = await client.responses.retrieve(id);
  expect(ended).toMatchObject({ status: "failed", error: { code: "server_error" } });
  const [entry] = await stores.credits.listEntries({ accountId: "ada", limit: 1 });
  expect(entry).toMatchObject({ units: { outputTokens: ended.usage?.output_tokens } });
});
