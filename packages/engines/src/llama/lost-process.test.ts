/** Real models whose processes are killed, in every phase of a call: one clear error at most, nothing kept, and the next call is served. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ChatEngine, EmbeddingEngine, GenerationRequest, LoadEvent } from "@openai-compat/core";
import { GREEDY, PLAIN, collectGeneration, prepareChat } from "@openai-compat/core/engine-contract";
import { afterAll, expect, onTestFinished, test, vi } from "vitest";
import { createModelMemory } from "../residency/model-memory.ts";
import type { ModelMemory } from "../residency/model-memory.ts";
import type { LoadingSettings } from "../residency/model-resource.ts";
import { createLlamaEmbeddingEngine } from "./llama-embedding-engine.ts";
import { createLlamaEngine } from "./llama-engine.ts";
import { estimateChatBytes } from "./memory-estimate.ts";
import { randomModelByteToken, writeRandomModel } from "./testing/random-gguf.ts";

const never = new AbortController().signal;
const folder = await mkdtemp(join(tmpdir(), "lost-process-"));
afterAll(() => rm(folder, { recursive: true }));
const modelPath = join(folder, "random.gguf");
await writeRandomModel(modelPath);

const SETTINGS = { modelPath, contextTokens: 1024, concurrency: 2 };
const WAIT = { timeout: 60_000, interval: 10 };
const LOST = { code: "engine_failed", message: expect.stringContaining("process of the model ended") };

/** What watches the processes of an engine, and ends them. */
class Processes {
  readonly events: LoadEvent[] = [];
  readonly loading: LoadingSettings;
  readonly memory: ModelMemory;
  /** Called with each event. */
  onEvent = (_event: LoadEvent): void => {};

  constructor({ memory = createModelMemory({ bytesMax: null }), ...loading }: LoadingSettings = {}) {
    this.memory = memory;
    const onEvent = (event: LoadEvent) => {
      this.events.push(event);
      this.onEvent(event);
    };
    this.loading = { retryDelayMs: 20, ...loading, memory, onEvent };
  }

  count(type: LoadEvent["type"]): number {
    return this.events.filter((event) => event.type === type).length;
  }

  signal(signal: NodeJS.Signals): void {
    const started = this.events.findLast((event) => event.type === "process-start");
    if (started === undefined) throw new Error("No process was started.");
    process.kill(started.pid, signal);
  }

  /** @param losses how many there are then */
  async untilLost(losses = 1): Promise<void> {
    await vi.waitFor(() => expect(this.count("lost")).toBe(losses), WAIT);
  }
}

/** When the test ends, no process of the engine is left. */
function watchEnd(engine: ChatEngine | EmbeddingEngine, processes: Processes): void {
  onTestFinished(async () => {
    await engine.close();
    expect(processes.count("process-end")).toBe(processes.count("process-start"));
  });
}

function openChat(loading: LoadingSettings = {}) {
  const processes = new Processes(loading);
  const engine = createLlamaEngine({ ...SETTINGS, loading: processes.loading });
  watchEnd(engine, processes);
  return { engine, processes };
}

async function requestOf(engine: ChatEngine, tokensMax: number): Promise<GenerationRequest> {
  const prompt = await prepareChat(engine, [{ role: "user", content: "hello" }]);
  // Without the full stop the model never ends by itself.
  const sampling = { ...GREEDY, logitBias: { [randomModelByteToken(0x2e)]: -100 } };
  return { ...PLAIN, prompt, sampling, tokensMax, stop: [] };
}

async function answer(engine: ChatEngine, tokensMax = 4): Promise<number> {
  return (await collectGeneration(engine.generate(await requestOf(engine, tokensMax), never))).completionTokens;
}

/** A generation of which the first text has come. */
async function begin(engine: ChatEngine, request: GenerationRequest, signal = never) {
  const events = engine.generate(request, signal)[Symbol.asyncIterator]();
  await events.next();
  await events.next();
  const drain = async (): Promise<number> => {
    let count = 0;
    while ((await events.next()).done !== true) count += 1;
    return count;
  };
  return { events, drain };
}

test("calls that wait for a load get one error each when its process is killed, and the next load serves", async () => {
  const { engine, processes } = openChat();
  processes.onEvent = ({ type }) => {
    if (type === "process-start" && processes.count("process-start") === 1) processes.signal("SIGKILL");
  };
  const outcomes = await Promise.allSettled([answer(engine), answer(engine), answer(engine)]);
  for (const outcome of outcomes) {
    expect(outcome).toMatchObject({
      status: "rejected",
      reason: { code: "engine_unavailable", message: expect.stringContaining("its process ended") },
    });
    expect(Number(Object(Object(outcome).reason).retryAfterMs)).toBeGreaterThanOrEqual(0);
  }
  expect(processes.memory.bytesTaken).toBe(0);
  await vi.waitFor(async () => expect(await answer(engine)).toBe(4), WAIT);
  expect(processes.count("load-failed")).toBe(1);
});

test.skipIf(process.platform === "win32").each(["SIGSEGV", "SIGABRT", "SIGBUS"] as const)(
  "four generations end with an error each when native code ends their process by %s, and the next call is served",
  async (signal) => {
    const { engine, processes } = openChat();
    const request = await requestOf(engine, 900);
    const running = await Promise.all([begin(engine, request), begin(engine, request)]);
    // Two sequences are taken: these wait for one.
    const waiting = [1, 2].map(() => collectGeneration(engine.generate(request, never)));
    processes.signal(signal);
    const outcomes = await Promise.allSettled([...running.map(({ drain }) => drain()), ...waiting]);
    for (const outcome of outcomes) expect(outcome).toMatchObject({ status: "rejected", reason: LOST });
    expect(await answer(engine)).toBe(4);
    expect(processes.events.find(({ type }) => type === "lost")).toMatchObject({
      reason: expect.stringContaining(signal),
      retryAfterMs: 0,
    });
  },
);

test.skipIf(process.platform === "win32")(
  "a prompt that is prepared while the process is killed is prepared by the next one",
  async () => {
    const { engine, processes } = openChat();
    const before = await requestOf(engine, 4);
    processes.signal("SIGSTOP");
    const prepared = Promise.all([requestOf(engine, 4), requestOf(engine, 4)]);
    processes.signal("SIGKILL");
    for (const { prompt } of await prepared) expect(prompt).toEqual(before.prompt);
    expect([processes.count("lost"), processes.count("load-end")]).toEqual([1, 2]);
  },
);

test("a call whose process is killed between its prompt and its answer is answered by the next one", async () => {
  const { engine, processes } = openChat();
  const request = await requestOf(engine, 4);
  processes.signal("SIGKILL");
  await processes.untilLost();
  expect((await collectGeneration(engine.generate(request, never))).completionTokens).toBe(4);
});

test("a call of several generations ends with its process, and its lease holds nothing back", async () => {
  const { engine, processes } = openChat();
  const { leases } = engine;
  if (leases === undefined) throw new Error("The engine has no leases.");
  const { leaseId } = await leases.take(never);
  const request = { ...(await requestOf(engine, 900)), leaseId };
  const choices = await Promise.all([begin(engine, request), begin(engine, request)]);
  processes.signal("SIGKILL");
  for (const { drain } of choices) await expect(drain()).rejects.toMatchObject(LOST);
  await expect(collectGeneration(engine.generate(request, never))).rejects.toMatchObject(LOST);
  expect(processes.memory.bytesTaken).toBe(0);
  expect(await answer(engine)).toBe(4);
  leases.release(leaseId);
});

test("a consumer that does not read keeps nobody from the next process, and reads what came, then its error", async () => {
  const { engine, processes } = openChat();
  const slow = await begin(engine, await requestOf(engine, 900));
  await new Promise((resolve) => setTimeout(resolve, 200));
  processes.signal("SIGKILL");
  await processes.untilLost();
  expect(processes.memory.bytesTaken).toBe(0);
  expect(await answer(engine)).toBe(4);
  const texts: unknown[] = [];
  await expect(
    (async () => {
      for (let item = await slow.events.next(); item.done !== true; item = await slow.events.next())
        texts.push(item.value);
    })(),
  ).rejects.toMatchObject(LOST);
  expect(texts.length).toBeGreaterThan(0);
});

test.skipIf(process.platform === "win32")(
  "an aborted call that its process has not confirmed ends with the process, as does one whose consumer has left",
  async () => {
    const { engine, processes } = openChat();
    const controller = new AbortController();
    const aborted = await begin(engine, await requestOf(engine, 900), controller.signal);
    const left = await begin(engine, await requestOf(engine, 900));
    processes.signal("SIGSTOP");
    controller.abort(new Error("gone"));
    const [drained, returned] = [aborted.drain(), left.events.return?.()];
    processes.signal("SIGKILL");
    await expect(drained).rejects.toThrow();
    expect(await returned).toMatchObject({ done: true });
    expect(await answer(engine)).toBe(4);
  },
);

test("a process that is killed while its engine closes ends the close, with a call that runs and without one", async () => {
  const { engine, processes } = openChat();
  const { drain } = await begin(engine, await requestOf(engine, 900));
  const closed = engine.close();
  processes.signal("SIGKILL");
  await expect(drain()).rejects.toMatchObject(LOST);
  await closed;
  expect(processes.memory.bytesTaken).toBe(0);
  expect(await answer(engine)).toBe(4);
  const closedAgain = engine.close();
  processes.signal("SIGKILL");
  await closedAgain;
  expect(processes.memory.bytesTaken).toBe(0);
});

test("a model that waits for the memory of one whose process is killed gets it, and gives it back in its turn", async () => {
  const memory = createModelMemory({
    bytesMax: Math.floor((await estimateChatBytes(SETTINGS)) * 1.5) + 2 ** 27,
    graceMs: 20,
  });
  const [holder, waiter] = [openChat({ memory }), openChat({ memory })];
  const { drain } = await begin(holder.engine, await requestOf(holder.engine, 900));
  const waiting = answer(waiter.engine);
  // It is evicted by now, and still answers.
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(waiter.processes.count("process-start")).toBe(0);
  holder.processes.signal("SIGKILL");
  await expect(drain()).rejects.toMatchObject(LOST);
  expect(await waiting).toBe(4);
  expect(await answer(holder.engine)).toBe(4);
  expect(waiter.processes.events.some((event) => event.type === "unload" && event.reason === "memory")).toBe(true);
  await holder.engine.close();
  expect(memory.bytesTaken).toBe(0);
});

test("a process that is killed while it is idle, or is being unloaded for that, is replaced by the next call's", async () => {
  const { engine, processes } = openChat({ idleUnloadMs: 400 });
  for (let round = 1; round <= 3; round += 1) {
    expect(await answer(engine)).toBe(4);
    if (round === 2) processes.onEvent = () => {};
    if (round < 3) processes.signal("SIGKILL");
    else await vi.waitFor(() => expect(processes.count("unload")).toBe(1), WAIT);
  }
  expect(await answer(engine)).toBe(4);
});

test("vectors that came before the process was killed are given, then one error, and the next call is served", async () => {
  const processes = new Processes();
  const engine = createLlamaEmbeddingEngine({ modelPath, contextTokens: 256, threads: 2, loading: processes.loading });
  watchEnd(engine, processes);
  const { inputs } = await engine.prepare(
    Array.from({ length: 500 }, () => "hello ".repeat(60)),
    never,
  );
  const streams = [1, 2, 3, 4].map(() => engine.embed(inputs, never)[Symbol.asyncIterator]());
  for (const stream of streams) expect((await stream.next()).value).toMatchObject({ index: expect.any(Number) });
  processes.signal("SIGSEGV");
  for (const stream of streams) {
    const drain = async () => {
      while ((await stream.next()).done !== true);
    };
    await expect(drain()).rejects.toMatchObject(LOST);
  }
  expect(processes.memory.bytesTaken).toBe(0);
  let vectors = 0;
  for await (const { vector } of engine.embed(inputs.slice(0, 3), never)) vectors += vector.length > 0 ? 1 : 0;
  expect(vectors).toBe(3);
});
