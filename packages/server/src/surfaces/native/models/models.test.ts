/** Models that callers add, change, watch and remove over HTTP while the server runs. */

import { expect, onTestFinished, test } from "vitest";
import type { ConfigInput } from "../../../config.ts";
import { createMemoryStores } from "../../../stores/memory.ts";
import type { Stores } from "../../../stores/stores.ts";
import { startLoopbackServer } from "../../../testing/loopback-server.ts";
import { startTestServer } from "../../../testing/test-server.ts";

const KEY = "sk-upstream-geheim";
const OPERATOR = [
  { domain: "ai", pointers: ["*"], can: ["*"] },
  { domain: "operator", pointers: ["*"], can: ["UPDATE"] },
];
const COMPLETION = {
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1,
  model: "far",
  choices: [
    {
      index: 0,
      message: { role: "assistant", content: "From afar.", refusal: null },
      finish_reason: "stop",
      logprobs: null,
    },
  ],
  usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
};

async function start(stores: Stores = createMemoryStores(), config: ConfigInput = {}) {
  const started = await startTestServer({ stores, config });
  onTestFinished(() => started.server.close());
  const operator = await started.keys.mintFor("root", OPERATOR);
  const send = (url: string, input: unknown, token: string) =>
    fetch(url, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(input === undefined ? {} : { body: JSON.stringify(input) }),
    });
  const root = started.baseUrl.replace(/\/v1$/, "/trpc");
  const call = async (path: string, input?: unknown, token = operator) => {
    const response = await send(`${root}/${path}`, input, token);
    const text = await response.text();
    expect(text).not.toContain("geheim");
    const body: unknown = JSON.parse(text);
    return { status: response.status, body };
  };
  const watch = (input: object) => send(`${root}/models.watch`, input, operator);
  const chat = (model: string) =>
    send(`${started.baseUrl}/chat/completions`, { model, messages: [{ role: "user", content: "Hi" }] }, operator);
  return { ...started, call, watch, chat };
}

const dataOf = (data: unknown) => ({ status: 200, body: { result: { data } } });
const refusal = (status: number, code: string, param: string) => ({
  status,
  body: { error: { data: { code, httpStatus: status, param } } },
});
const scripted = (id: string, more: object = {}) => ({ id, engine: { kind: "scripted" }, ...more });

async function addUpstream({ call }: Awaited<ReturnType<typeof start>>) {
  const upstream = await startLoopbackServer((request, response) => {
    const isList = request.url === "/v1/models";
    response.writeHead(200, { "content-type": "application/json" });
    request.resume();
    response.end(JSON.stringify(isList ? { object: "list", data: [{ id: "far", object: "model" }] } : COMPLETION));
  });
  onTestFinished(() => upstream.close());
  const engine = { kind: "upstream", baseUrls: [`${new URL(upstream.url).origin}/v1`], apiKey: KEY };
  return { engine, added: await call("models.add", { id: "far", engine }) };
}

test("an upstream's model that was added answers on both surfaces, and its key is nowhere to be read", async () => {
  const server = await start();
  const { added } = await addUpstream(server);
  expect(added).toMatchObject(dataOf({ id: "far", type: "chat", source: "stored", isDefault: false }));
  expect(await (await server.chat("far")).text()).toContain("From afar.");
  expect(await server.call("prompt", { model: "far", prompt: "Hi" })).toMatchObject(dataOf({ text: "From afar." }));
  expect(await server.call("models.status", { id: "far" })).toEqual(dataOf({ state: "ready" }));
  expect(await server.call("models.list")).toMatchObject(
    dataOf([
      { id: "scripted", source: "configuration" },
      { id: "far", source: "stored" },
    ]),
  );
  expect(server.logLines.join("\n")).not.toContain("geheim");
});

test("a model is changed, made the default and removed", async () => {
  const server = await start();
  await server.call("models.add", scripted("mine"), server.keys.key);
  expect(await server.call("models.update", { id: "mine", name: "Mine" })).toMatchObject(dataOf({ name: "Mine" }));
  expect(await server.call("models.getDefault", { type: "chat" })).toMatchObject(dataOf({ id: "scripted" }));
  expect(await server.call("models.getDefault", { type: "speech" })).toEqual(dataOf(null));
  expect(await server.call("models.setDefault", { type: "chat", id: "mine" })).toMatchObject(
    dataOf({ id: "mine", isDefault: true }),
  );
  expect(await server.call("models.remove", { id: "mine" })).toEqual(dataOf({ id: "mine" }));
  expect(await server.call("models.status", { id: "mine" })).toMatchObject(refusal(404, "model_not_found", "id"));
  expect(await server.call("models.remove", { id: "scripted" })).toMatchObject({ status: 400 });
});

test.each([
  ["of an unknown kind", { id: "a", engine: { kind: "magic" } }, "engine.kind"],
  ["with an unknown field", scripted("a", { magic: 1 }), "magic"],
  ["with an unknown setting", { id: "a", engine: { kind: "scripted", magic: 1 } }, "engine.magic"],
  [
    "at a private address",
    { id: "a", engine: { kind: "upstream", baseUrls: ["http://127.0.0.1:9/v1"] } },
    "engine.baseUrls[0]",
  ],
  ["in a file of the machine", { id: "a", engine: { kind: "llama", model: "/etc/passwd.gguf" } }, "engine.model"],
])("a model %s is refused for who is no operator", async (_what, input, param) => {
  const server = await start();
  const refused = await server.call("models.add", input, server.keys.key);
  expect(refused).toMatchObject({ status: 400, body: { error: { data: { param } } } });
  expect((await server.stores.models.read()).models).toEqual([]);
});

test("a watch says at once how the models are, and ends with a typed error when the server stops", async () => {
  const server = await start();
  expect((await server.watch({ id: "nobody" })).status).toBe(404);
  const response = await server.watch({});
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const readUntil = async (part: string) => {
    while (!text.includes(part)) {
      const next = await reader?.read();
      if (next?.done !== false) throw new Error(`It ended without ${part}: ${text}`);
      text += next.value;
    }
  };
  await readUntil('{"id":"scripted","status":{"state":"ready"}}');
  await server.call("models.add", scripted("mine"));
  await readUntil('{"id":"mine","status":{"state":"ready"}}');
  const closed = server.server.close();
  await readUntil('"server_shutting_down"');
  await reader?.cancel();
  await closed;
});

test("a model that was added is there again after a restart on the same store", async () => {
  const stores = createMemoryStores();
  const first = await start(stores);
  await addUpstream(first);
  await first.server.close();
  const second = await start(stores);
  expect(await second.call("prompt", { model: "far", prompt: "Hi" })).toMatchObject(dataOf({ text: "From afar." }));
});
