/** Models that are added, replaced and removed while calls run: what becomes of the calls and of the engines. */

import { setImmediate as nextTurn } from "node:timers/promises";
import { operations } from "@openai-compat/spec";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createAiService } from "./ai-service.ts";
import { AiError } from "./ai-error.ts";
import { FREE_OF_CHARGE } from "./credits/prices.ts";
import { FREE_TEXT } from "./engine/chat-output.ts";
import { createModelRegistry } from "./models/registry.ts";
import type { RegisteredModel } from "./models/registry.ts";
import { chatCalls } from "./services/chat-service.ts";
import type { ChatRequest } from "./services/chat-request.ts";
import { foldChatEvents } from "./services/fold-chat.ts";
import { authoriseTestCall } from "./testing/authorise-test-call.ts";
import { createFakeChatEngine, fakeModel } from "./testing/fake-chat-engine.ts";
import { NO_RATE_LIMITS, createFakeCreditStore } from "./testing/fake-stores.ts";
import { serveChat } from "./testing/serve-locally.ts";

const REQUEST: ChatRequest = {
  messages: [{ role: "user", content: "one two three" }],
  choices: 1,
  tokensMax: null,
  stop: [],
  temperature: 1,
  topP: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  seed: 7,
  logitBias: {},
  output: FREE_TEXT,
  topLogprobs: null,
  stream: false,
};

/** A gate that the words of an engine wait for. */
function createBarrier() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open: () => open() };
}

function createSetting(first: Partial<RegisteredModel> & { readonly beforeWord?: () => Promise<void> } = {}) {
  const { beforeWord, ...overrides } = first;
  const credits = createFakeCreditStore(1_000_000_000);
  const closings: { readonly id: string; readonly running: number }[] = [];
  const engines: string[] = [];
  const make = (id: string, changed: Partial<RegisteredModel> = {}, words?: readonly string[]): RegisteredModel => {
    const engine = createFakeChatEngine({
      ...(words === undefined ? {} : { words }),
      ...(beforeWord === undefined ? {} : { beforeWord }),
    });
    const name = `${id}#${engines.length}`;
    engines.push(name);
    engine.close = async () => void closings.push({ id: name, running: engine.running() });
    return fakeModel(engine, {
      id,
      name,
      isDefault: false,
      queue: { waitingMax: 100, waitTimeMsMax: 60_000, accountSlotsMax: 2 },
      prices: { ...FREE_OF_CHARGE, perMillionOutputTokens: 1_000_000 },
      ...overrides,
      ...changed,
    });
  };
  const registry = createModelRegistry([make("a")]);
  const service = createAiService({
    registry,
    credits,
    rateLimits: NO_RATE_LIMITS,
    callTimeMsMax: 60_000,
    onSettlementError: (error) => {
      throw error;
    },
  });
  const call = async (model: string, signal = new AbortController().signal) => {
    const run = await serveChat(service, authoriseTestCall(operations.createChatCompletion, { signal }), {
      ...REQUEST,
      model,
    });
    return foldChatEvents(run.events);
  };
  return { credits, closings, engines, make, registry, service, call };
}

test("a removed model refuses new calls at once, and its engine is closed when its call has ended and is paid for", async () => {
  const barrier = createBarrier();
  const { service, call, closings, credits } = createSetting({ beforeWord: () => barrier.opened });
  const running = call("a");
  await nextTurn();
  await nextTurn();
  const removal = service.models.remove("a", { whenBusy: "wait" });
  await expect(call("a")).rejects.toMatchObject({ code: "model_not_found", param: "model" });
  expect(closings).toEqual([]);
  barrier.open();
  expect((await running).choices[0]?.text).toBe("Hello world");
  await removal;
  expect(closings).toEqual([{ id: "a#0", running: 0 }]);
  expect([credits.entries.length, credits.holds.size]).toEqual([1, 0]);
  await service.close();
  expect(closings).toHaveLength(1);
});

test("calls that wait for a slot of a model when it is removed are served too", async () => {
  const barrier = createBarrier();
  const { service, call, closings } = createSetting({ beforeWord: () => barrier.opened });
  const calls = ["a", "a", "a", "a"].map((model) => call(model));
  for (let turn = 0; turn < 5; turn += 1) await nextTurn();
  expect(service.queues()).toEqual([{ modelId: "a", running: 2, waiting: 2 }]);
  const removal = service.models.remove("a", { whenBusy: "wait" });
  expect(service.queues()).toEqual([]);
  barrier.open();
  expect(await Promise.all(calls)).toHaveLength(4);
  await removal;
  expect(closings).toHaveLength(1);
});

test("a busy model stays where its removal does not wait, and an idle one goes", async () => {
  const barrier = createBarrier();
  const { service, call, closings } = createSetting({ beforeWord: () => barrier.opened });
  const running = call("a");
  await nextTurn();
  await expect(service.models.remove("a", { whenBusy: "refuse" })).rejects.toMatchObject({
    code: "conflict",
    message: expect.stringContaining("in use by 1 calls"),
  });
  barrier.open();
  await running;
  await call("a");
  await service.models.remove("a", { whenBusy: "refuse" });
  expect(closings).toHaveLength(1);
});

test("a call whose model is replaced while its body is read goes to the new engine", async () => {
  const { service, make, closings } = createSetting();
  const routed = service.route(authoriseTestCall(operations.createChatCompletion), chatCalls, "a");
  await service.models.replace(make("a", {}, ["New"]));
  expect(closings).toEqual([{ id: "a#0", running: 0 }]);
  if (routed.route === "upstream") throw new Error("It is local.");
  expect((await foldChatEvents((await routed.run(REQUEST)).events)).choices[0]?.text).toBe("New");
});

test("a model that gets another name or becomes the default keeps its engine and its queue", async () => {
  const barrier = createBarrier();
  const { service, registry, call, closings } = createSetting({ beforeWord: () => barrier.opened });
  const running = call("a");
  for (let turn = 0; turn < 5; turn += 1) await nextTurn();
  await service.models.replace({ ...registry.find("a"), name: "other" });
  service.models.setDefault("chat", "a");
  expect(service.queues()).toEqual([{ modelId: "a", running: 1, waiting: 0 }]);
  expect(closings).toEqual([]);
  barrier.open();
  await running;
  await call("other");
  await call("default");
});

test("what a model costs, and what operations there are, is looked at again when the models change", async () => {
  const { service, make, registry } = createSetting();
  const call = authoriseTestCall(operations.createEmbedding);
  await expect(service.admitBody(call, "createEmbedding")).rejects.toMatchObject({ code: "not_implemented" });
  service.models.add({ ...make("e"), type: "embedding", engine: unavailable() });
  await expect(service.admitBody(call, "createEmbedding")).resolves.toBeUndefined();
  registry.remove("e");
  await expect(service.admitBody(call, "createEmbedding")).rejects.toMatchObject({ code: "not_implemented" });
});

test("a model without an engine is listed, and a call to it says why it can't be served", async () => {
  const { service, make, call } = createSetting();
  service.models.add({ ...make("b"), engine: unavailable() });
  expect(service.listModels(authoriseTestCall(operations.listModels)).map(({ id }) => id)).toEqual(["a", "b"]);
  await expect(call("b")).rejects.toMatchObject({ code: "engine_unavailable", retryAfterMs: 500 });
  expect(service.queues().map(({ modelId }) => modelId)).toEqual(["a"]);
});

function unavailable() {
  const explain = () => new AiError("engine_unavailable", "Pulled to 10 %.", { retryAfterMs: 500 });
  return { type: "unavailable" as const, explain, close: async () => {} };
}

const IDS = ["a", "b", "c"] as const;
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("call" as const), model: fc.constantFrom(...IDS, "default") }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("abort" as const), model: fc.constantFrom(...IDS) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("add" as const), model: fc.constantFrom(...IDS) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("replace" as const), model: fc.constantFrom(...IDS) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("remove" as const), model: fc.constantFrom(...IDS) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("refuse" as const), model: fc.constantFrom(...IDS) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("default" as const), model: fc.constantFrom(...IDS) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("turn" as const), model: fc.constant("a") }) },
);

test("whatever is called, added, replaced and removed: no call is lost, no engine is leaked or closed early, no slot and no hold stays", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const { service, registry, make, call, closings, engines, credits } = createSetting({
        beforeWord: () => nextTurn(),
      });
      const ends: Promise<void>[] = [];
      const follow = (work: Promise<unknown>, foreseen: readonly string[]) => {
        const codeOf = (thrown: unknown) => (thrown instanceof AiError ? thrown.code : String(thrown));
        ends.push(work.then(() => "done", codeOf).then((end) => expect(foreseen).toContain(end)));
      };
      const aborts: AbortController[] = [];
      let calls = 0;
      for (const { kind, model } of steps) {
        const isThere = registry.list().some(({ id }) => id === model);
        const controller = new AbortController();
        if (kind === "turn") await nextTurn();
        if (kind === "call") {
          calls += 1;
          aborts.push(controller);
          const isFound = registry.lookUp(model, "chat") !== null;
          follow(call(model, controller.signal), isFound ? ["done", "cancelled"] : ["model_not_found"]);
        }
        if (kind === "abort") aborts.shift()?.abort();
        if (kind === "add" && !isThere) service.models.add(make(model));
        if (kind === "replace" && isThere) follow(service.models.replace(make(model)), ["done"]);
        if (kind === "remove" && isThere) follow(service.models.remove(model, { whenBusy: "wait" }), ["done"]);
        if (kind === "refuse" && isThere) {
          follow(service.models.remove(model, { whenBusy: "refuse" }), ["done", "conflict"]);
        }
        if (kind === "default" && isThere) service.models.setDefault("chat", model);
      }
      await Promise.all(ends);
      for (const queue of service.queues()) expect(queue).toMatchObject({ running: 0, waiting: 0 });
      expect(credits.holds.size).toBe(0);
      expect(credits.entries.length).toBeLessThanOrEqual(calls);
      const closedBefore = closings.length;
      expect(closedBefore).toBe(engines.length - registry.list().length);
      await service.close();
      expect(closings.map(({ id }) => id).toSorted()).toEqual(engines.toSorted());
      expect(closings.every(({ running }) => running === 0)).toBe(true);
    }),
    { numRuns: 150 },
  );
});
