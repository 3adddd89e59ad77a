/** Real models behind a server, their processes killed in the middle of calls: who notices, what it costs, what comes next. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomModelByteToken, writeRandomModel } from "@openai-compat/engines/testing";
import { afterAll, expect, onTestFinished, test, vi } from "vitest";
import { z } from "zod";
import { configSchema } from "./config.ts";
import type { ConfigInput } from "./config.ts";
import { createLogger } from "./operations/logger.ts";
import { resolveModels } from "./resolve-models.ts";
import { createMemoryStores } from "./stores/memory.ts";
import { startTestServer } from "./testing/test-server.ts";

const folder = mkdtempSync(join(tmpdir(), "openai-compat-lost-"));
afterAll(() => rmSync(folder, { recursive: true }));
const model = join(folder, "random.gguf");
await writeRandomModel(model);

const GRANTED = 100_000_000;
/** A micro-credit a token. */
const prices = { perMillionInputTokens: 1_000_000, perMillionOutputTokens: 1_000_000 };
const WAIT = { timeout: 60_000, interval: 20 };
const chatEngine = { kind: "llama" as const, model, contextTokens: 1024, concurrency: 4 };
const embeddingEngine = { kind: "llama" as const, model, contextTokens: 256, concurrency: 4, threads: 1 };

const errorSchema = z.object({
  error: z.object({ message: z.string(), type: z.string(), code: z.string().nullable() }),
});
const chunkSchema = z.object({
  choices: z.array(
    z.object({
      delta: z.object({ content: z.string().nullish() }),
      logprobs: z.object({ content: z.array(z.unknown()).nullable() }).nullish(),
    }),
  ),
  usage: z.object({ completion_tokens: z.int() }).nullish(),
});
const embeddingSchema = z.object({ usage: z.object({ prompt_tokens: z.int() }) });

async function start() {
  const input: ConfigInput = {
    queue: { accountSlotsMax: 4 },
    models: [
      { id: "one", engine: chatEngine, prices, default: true },
      { id: "two", engine: chatEngine, prices },
      {
        id: "words",
        type: "embedding",
        engine: embeddingEngine,
        prices: { perMillionInputTokens: prices.perMillionInputTokens },
      },
    ],
  };
  const lines: string[] = [];
  const logger = createLogger({ level: "info", write: (line) => void lines.push(line) });
  const signal = new AbortController().signal;
  const { models, loads } = await resolveModels({ config: configSchema.parse(input), logger, signal, nowMs: 5 });
  const stores = createMemoryStores();
  await stores.credits.grant({ id: "g", accountId: "ada", amount: GRANTED, note: "tests", nowMs: 1 });
  const { server, baseUrl, keys } = await startTestServer({ models, loads, config: input, stores });
  onTestFinished(() => server.close());
  const headers = { authorization: `Bearer ${keys.key}`, "content-type": "application/json" };
  const post = (path: string, body: object) =>
    fetch(`${baseUrl}/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  const readingOf = (id: string) => loads().find(({ modelId }) => modelId === id);
  return {
    lines,
    readingOf,
    chat: (id: string, fields: object = {}) =>
      post("chat/completions", {
        model: id,
        messages: [{ role: "user", content: "hello" }],
        temperature: 0,
        max_tokens: 4,
        // Without the full stop the model never ends by itself.
        logit_bias: { [randomModelByteToken(0x2e)]: -100 },
        ...fields,
      }),
    embed: (inputs: readonly string[]) => post("embeddings", { model: "words", input: inputs }),
    kill(id: string) {
      const pid = readingOf(id)?.processes.at(-1)?.pid;
      if (pid === undefined) throw new Error(`The model ${id} has no process.`);
      process.kill(pid, "SIGKILL");
    },
    async readMetric(name: string, labels: string) {
      const text = await (await fetch(new URL("/metrics", baseUrl))).text();
      return Number(text.split(`\nopenai_compat_${name}{${labels}} `)[1]?.split("\n")[0]);
    },
    /** Asks again and again until it is stopped. @returns the statuses */
    listModels() {
      const statuses: number[] = [];
      const over = new AbortController();
      const asking = (async () => {
        while (!over.signal.aborted) statuses.push((await fetch(`${baseUrl}/models`, { headers })).status);
      })();
      return async () => {
        over.abort();
        await asking;
        return statuses;
      };
    },
    /** What the account has paid, by request id; fails while something is held. */
    async readPaid() {
      const { credits } = stores;
      const paid = new Map<string, number>();
      for (const entry of await credits.listEntries({ accountId: "ada", limit: 1000 })) {
        if (entry.kind === "usage") paid.set(entry.requestId, -entry.amount);
      }
      const sum = [...paid.values()].reduce((total, amount) => total + amount, 0);
      expect(await credits.readBalance("ada")).toEqual({ balance: GRANTED - sum, held: 0 });
      return paid;
    },
  };
}

/** A streamed chat, as far as it has come. */
class ReadStream {
  readonly requestId: string;
  readonly ended: Promise<void>;
  text = "";
  /** One for each token, as log probabilities are asked for. */
  tokens = 0;
  usage: number | null = null;
  errors: z.output<typeof errorSchema>[] = [];
  ending = "";

  constructor(response: Response) {
    this.requestId = response.headers.get("x-request-id") ?? "";
    this.ended = this.#read(response);
  }

  async #read(response: Response): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const bytes of response.body ?? []) {
      const blocks = (rest + decoder.decode(bytes, { stream: true })).split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) if (block.startsWith("data: ")) this.#take(block.slice("data: ".length));
    }
  }

  #take(data: string): void {
    this.ending = data;
    if (data === "[DONE]") return;
    const value: unknown = JSON.parse(data);
    const error = errorSchema.safeParse(value);
    if (error.success) {
      this.errors.push(error.data);
      return;
    }
    const { choices, usage } = chunkSchema.parse(value);
    this.usage = usage?.completion_tokens ?? this.usage;
    for (const { delta, logprobs } of choices) {
      this.text += delta.content ?? "";
      this.tokens += logprobs?.content?.length ?? 0;
    }
  }
}

const STREAM = { stream: true, stream_options: { include_usage: true }, logprobs: true };
const LOST = { type: "server_error", message: expect.stringContaining("process of the model ended") };

type Server = Awaited<ReturnType<typeof start>>;

/** Some streams that run side by side, read as they come. */
async function openStreams(server: Server, id: string, { count, tokens }: { count: number; tokens: number }) {
  const responses = await Promise.all(
    Array.from({ length: count }, () => server.chat(id, { ...STREAM, max_tokens: tokens })),
  );
  return responses.map((response) => new ReadStream(response));
}

test("a process that is killed in the middle of four chats ends them with an error and a bill each, and nothing else", async () => {
  const server = await start();
  const [quiet] = await openStreams(server, "two", { count: 1, tokens: 600 });
  await quiet?.ended;
  await (await server.chat("one")).json();
  const paidBefore = await server.readPaid();
  const stopListing = server.listModels();

  const wholeAnswer = server.chat("one", { max_tokens: 900 });
  const streams = await openStreams(server, "one", { count: 3, tokens: 900 });
  const others = await openStreams(server, "two", { count: 2, tokens: 600 });
  await vi.waitFor(
    () => expect(Math.min(...[...streams, ...others].map(({ tokens }) => tokens))).toBeGreaterThan(5),
    WAIT,
  );
  const queued = server.chat("one", { messages: [{ role: "user", content: "hello, I wait" }] });
  await vi.waitFor(async () => expect(await server.readMetric("queue_waiting", 'model="one"')).toBe(1), WAIT);
  expect(await server.readMetric("queue_running", 'model="one"')).toBe(4);
  server.kill("one");

  const failed = await wholeAnswer;
  expect(failed.status).toBe(500);
  expect(await failed.json()).toMatchObject({ error: LOST });
  for (const stream of streams) {
    await stream.ended;
    expect(stream.errors).toMatchObject([{ error: LOST }]);
    expect(JSON.parse(stream.ending)).toHaveProperty("error");
  }
  for (const next of [await queued, await server.chat("one")]) {
    expect(next.status).toBe(200);
    expect(await next.json()).toMatchObject({ usage: { completion_tokens: 4 } });
  }

  for (const other of others) {
    await other.ended;
    expect(other).toMatchObject({ text: quiet?.text, tokens: 600, usage: 600, errors: [], ending: "[DONE]" });
  }
  const statuses = await stopListing();
  expect([...new Set(statuses)]).toEqual([200]);
  const paid = await server.readPaid();
  const promptTokens = (paidBefore.get(quiet?.requestId ?? "") ?? 0) - 600;
  expect(promptTokens).toBeGreaterThan(0);
  for (const { requestId, tokens } of streams) expect(paid.get(requestId)).toBe(promptTokens + tokens);
  for (const { requestId } of others) expect(paid.get(requestId)).toBe(promptTokens + 600);
  const ofWhole = paid.get(failed.headers.get("x-request-id") ?? "") ?? 0;
  expect(ofWhole).toBeGreaterThan(promptTokens);
  expect(ofWhole).toBeLessThan(promptTokens + 900);
  expect(paid.size - paidBefore.size).toBe(4 + 2 + 2);

  expect(server.readingOf("one")).toMatchObject({ losses: 1, loads: 2, loaded: 1, failures: 0 });
  expect(server.readingOf("two")).toMatchObject({ losses: 0, loads: 1, loaded: 1 });
  expect(await server.readMetric("model_process_losses_total", 'model="one"')).toBe(1);
  expect(await server.readMetric("queue_running", 'model="one"')).toBe(0);
  expect(server.lines.filter((line) => line.includes("process of a model lost"))).toEqual([
    expect.stringContaining("SIGKILL"),
  ]);
});

test("the same with four embeddings, of which the vectors that were there are paid for", async () => {
  const server = await start();
  const input = "the sea is wide and deep ".repeat(8);
  const { usage } = embeddingSchema.parse(await (await server.embed([input])).json());
  expect((await server.chat("one")).status).toBe(200);
  const paidBefore = await server.readPaid();
  const stopListing = server.listModels();
  const [stream] = await openStreams(server, "one", { count: 1, tokens: 300 });
  const inputs = Array.from({ length: 2000 }, () => input);
  const calls = Array.from({ length: 4 }, () => server.embed(inputs));
  await vi.waitFor(async () => expect(await server.readMetric("queue_running", 'model="words"')).toBe(4), WAIT);
  server.kill("words");
  const ids: string[] = [];
  for (const call of calls) {
    const failed = await call;
    expect(failed.status).toBe(500);
    expect(await failed.json()).toMatchObject({ error: LOST });
    ids.push(failed.headers.get("x-request-id") ?? "");
  }
  const next = await server.embed(["sea"]);
  expect(next.status).toBe(200);
  expect(await next.json()).toMatchObject({ data: [{ object: "embedding" }] });
  await stream?.ended;
  expect(stream).toMatchObject({ tokens: 300, errors: [], ending: "[DONE]" });
  expect([...new Set(await stopListing())]).toEqual([200]);
  const paid = await server.readPaid();
  for (const id of ids) {
    const amount = paid.get(id) ?? 0;
    expect(amount % usage.prompt_tokens).toBe(0);
    expect(amount).toBeLessThan(2000 * usage.prompt_tokens);
  }
  expect(paidBefore.size).toBe(2);
  expect(server.readingOf("words")).toMatchObject({ losses: 1, loads: 2, loaded: 1, failures: 0 });
});

test("a process that is lost again at once is not started for a while, and once more after a stream was served", async () => {
  const server = await start();
  const killInStream = async () => {
    const [stream] = await openStreams(server, "one", { count: 1, tokens: 900 });
    await vi.waitFor(() => expect(stream?.tokens).toBeGreaterThan(2), WAIT);
    server.kill("one");
    await stream?.ended;
    expect(stream?.errors).toMatchObject([{ error: LOST }]);
  };
  await killInStream();
  await killInStream();
  const refused = await server.chat("one");
  expect(refused.status).toBe(503);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(errorSchema.parse(await refused.json()).error.message).toContain("has ended several times");
  await vi.waitFor(async () => expect((await server.chat("one")).status).toBe(200), { timeout: 60_000, interval: 500 });
  await killInStream();
  expect((await server.chat("one")).status).toBe(200);
  await server.readPaid();
});
