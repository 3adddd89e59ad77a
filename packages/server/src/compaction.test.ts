/** Compaction through the official SDK: on a local engine, by an upstream's chat completions, and by its own responses. */

import { createScriptedEngine } from "@openai-compat/engines";
import OpenAI from "openai";
import { expect, onTestFinished, test } from "vitest";
import { createMemoryStores } from "./stores/memory.ts";
import { readBody, startGateway, startUpstream } from "./testing/test-gateway.ts";
import { startTestServer } from "./testing/test-server.ts";
import type { TestServerOptions } from "./testing/test-server.ts";

const PRICES = {
  perMillionInputTokens: 1_000_000,
  perMillionOutputTokens: 1_000_000,
  perMillionCharacters: 0,
  perMinuteOfAudio: 0,
};
const CONVERSATION = [
  { role: "developer" as const, content: "Be brief." },
  { role: "user" as const, content: "Tell me about the sea." },
  { role: "assistant" as const, content: "It is deep." },
  { role: "user" as const, content: [{ type: "input_text" as const, text: "And the sky?" }] },
];

async function start(options: TestServerOptions = {}) {
  const stores = createMemoryStores();
  for (const accountId of ["ada", "eve"]) {
    await stores.credits.grant({ id: accountId, accountId, amount: 1_000_000, note: "tests", nowMs: 1 });
  }
  const target = await startTestServer({ stores, engine: createScriptedEngine(), ...options });
  onTestFinished(() => target.server.close());
  const connect = (apiKey: string) => new OpenAI({ baseURL: target.baseUrl, apiKey, maxRetries: 0 });
  const listUsage = async () =>
    (await stores.credits.listEntries({ accountId: "ada", limit: 100 })).filter(({ kind }) => kind === "usage");
  return { ...target, client: connect(target.keys.key), connect, listUsage };
}

function findCompaction(output: readonly { readonly type: string }[]): OpenAI.Responses.ResponseCompactionItemParam {
  const item = output.find((candidate) => candidate.type === "compaction");
  if (item === undefined || !("encrypted_content" in item)) throw new Error("The output has no compaction.");
  return { type: "compaction", encrypted_content: String(item.encrypted_content) };
}

test("the user's messages stay, and one sealed item takes the place of the rest", async () => {
  const { client } = await start();
  const compacted = await client.responses.compact({ model: "scripted", input: CONVERSATION });
  expect(compacted).toMatchObject({
    id: expect.stringMatching(/^resp_[0-9a-f]{32}$/) as unknown,
    object: "response.compaction",
    created_at: expect.any(Number) as unknown,
    output: [
      {
        id: expect.stringMatching(/^msg_/) as unknown,
        type: "message",
        role: "user",
        status: "completed",
        content: [{ type: "input_text", text: "Tell me about the sea." }],
      },
      { type: "message", role: "user", content: [{ type: "input_text", text: "And the sky?" }] },
      {
        id: expect.stringMatching(/^cmp_/) as unknown,
        type: "compaction",
        encrypted_content: expect.stringMatching(/^oc1\.[\w-]{40,}$/) as unknown,
      },
    ],
  });
  const { input_tokens: read, output_tokens: written, total_tokens: total } = compacted.usage;
  expect(total).toBe(read + written);
  expect(written).toBeGreaterThan(0);
});

test("its output is the input of a response, which reads the summary", async () => {
  const { client } = await start();
  const { output, usage } = await client.responses.compact({ model: "scripted", input: CONVERSATION });
  const messages = output.filter(({ type }) => type === "message") as OpenAI.Responses.ResponseInputItem[];
  const next = { role: "user" as const, content: "Go on." };
  const count = async (input: OpenAI.Responses.ResponseInputItem[]) =>
    (await client.responses.inputTokens.count({ model: "scripted", input })).input_tokens;
  const without = await count([...messages, next]);
  const input = [...messages, findCompaction(output), next];
  const withSummary = await count(input);
  // The scripted engine's tokens of a text don't depend on what stands beside it.
  expect(withSummary - without).toBeGreaterThan(usage.output_tokens / 2);
  const response = await client.responses.create({ model: "scripted", input });
  expect(response.status).toBe("completed");
  expect(response.usage?.input_tokens).toBe(withSummary);
});

test("what was said before previous_response_id is compacted, and the compaction itself is not stored", async () => {
  const { client } = await start();
  const first = await client.responses.create({ model: "scripted", input: "Tell me about the sea." });
  const compacted = await client.responses.compact({ model: "scripted", previous_response_id: first.id });
  expect(compacted.output).toMatchObject([
    { type: "message", role: "user", content: [{ text: "Tell me about the sea." }] },
    { type: "compaction" },
  ]);
  const next = client.responses.create({ model: "scripted", input: "Go on.", previous_response_id: compacted.id });
  await expect(next).rejects.toMatchObject({ status: 404, code: "previous_response_not_found" });
});

test("a compaction is compacted again", async () => {
  const { client } = await start();
  const first = await client.responses.compact({ model: "scripted", input: CONVERSATION });
  const compaction = findCompaction(first.output);
  const second = await client.responses.compact({ model: "scripted", input: [compaction] });
  expect(second.output).toMatchObject([{ type: "compaction" }]);
  expect(findCompaction(second.output).encrypted_content).not.toBe(compaction.encrypted_content);
});

test("nobody else can have a compaction read, and nobody can change it", async () => {
  const { client, connect, keys } = await start();
  const { output } = await client.responses.compact({ model: "scripted", input: CONVERSATION });
  const compaction = findCompaction(output);
  const refused = { status: 400, code: "invalid_value", param: "input[0].encrypted_content" };
  const eve = connect(await keys.mintFor("eve"));
  await expect(eve.responses.create({ model: "scripted", input: [compaction] })).rejects.toMatchObject(refused);
  const sealed = compaction.encrypted_content;
  const changed = `${sealed.slice(0, -1)}${sealed.endsWith("A") ? "Q" : "A"}`;
  const input = [{ type: "compaction" as const, encrypted_content: changed }];
  await expect(client.responses.create({ model: "scripted", input })).rejects.toMatchObject(refused);
});

test("it costs what its usage says, and no more is written than the setting allows", async () => {
  const { client, listUsage } = await start({
    models: [{ prices: PRICES }],
    config: { responses: { compactionTokensMax: 16 } },
  });
  const { usage } = await client.responses.compact({ model: "scripted", input: CONVERSATION });
  expect(usage.output_tokens).toBeLessThanOrEqual(16);
  expect(await listUsage()).toMatchObject([
    { amount: -usage.total_tokens, operation: "ai_prompt", units: { outputTokens: usage.output_tokens } },
  ]);
});

test.each([
  [{ input: "Hello." }, 400, "model"],
  [{ model: "scripted" }, 400, "input"],
  [{ model: "none", input: "Hello." }, 400, "model"],
  [{ model: "scripted", input: 5 }, 400, "input"],
  [{ model: "scripted", previous_response_id: "resp_none" }, 404, "previous_response_id"],
  [{ model: "scripted", input: "sea ".repeat(20_000) }, 400, "input"],
])("what can't be compacted is refused by name: %j", async (body, status, param) => {
  const { client } = await start();
  await expect(client.post("/responses/compact", { body })).rejects.toMatchObject({ status, param });
});

type Fields = Record<string, unknown>;
const CHAT_ANSWER = {
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1,
  model: "scripted",
  choices: [{ index: 0, message: { role: "assistant", content: "They like the sea." }, finish_reason: "stop" }],
  usage: { prompt_tokens: 30, completion_tokens: 5, total_tokens: 35 },
};
const RESPONSE_ANSWER = {
  id: "resp_there",
  object: "response",
  created_at: 1,
  model: "scripted",
  status: "completed",
  error: null,
  incomplete_details: null,
  output: [
    {
      id: "msg_there",
      type: "message",
      role: "assistant",
      status: "completed",
      content: [{ type: "output_text", text: "They like the sea.", annotations: [], logprobs: [] }],
    },
  ],
  usage: {
    input_tokens: 30,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 5,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 35,
  },
};

test.each([
  ["chat completions", ["createChatCompletion"] as const, CHAT_ANSWER, "/v1/chat/completions", "messages"],
  ["responses", ["createChatCompletion", "createResponse"] as const, RESPONSE_ANSWER, "/v1/responses", "input"],
])("an upstream with %s writes the summary and is shown it later", async (_, operations, answer, path, field) => {
  const bodies: Fields[] = [];
  const paths: unknown[] = [];
  const baseUrl = await startUpstream(async (incoming, outgoing) => {
    bodies.push(JSON.parse(await readBody(incoming)) as Fields);
    paths.push(incoming.url);
    outgoing.writeHead(200, { "content-type": "application/json" });
    outgoing.end(JSON.stringify(answer));
  });
  const { client, usage: listUsage } = await startGateway({ baseUrls: [baseUrl], operations });
  const compacted = await client.responses.compact({ model: "far", input: CONVERSATION, instructions: "Be kind." });
  expect(compacted.usage.total_tokens).toBe(35);
  expect(await listUsage()).toMatchObject([{ amount: -35 }]);
  await client.responses.create({ model: "far", input: [findCompaction(compacted.output)] });
  expect(paths).toEqual([path, path]);
  expect(JSON.stringify(bodies[0])).toMatch(/Be kind\..*It is deep\..*Write a summary of this conversation/);
  expect(bodies[0]).not.toHaveProperty("store", true);
  expect(bodies[1]?.[field]).toEqual([
    { role: "assistant", content: "Summary of the conversation up to here:\nThey like the sea." },
  ]);
});

test("a model that writes nothing has made no compaction", async () => {
  const empty = { ...CHAT_ANSWER, choices: [{ index: 0, message: { content: " " }, finish_reason: "stop" }] };
  const baseUrl = await startUpstream(async (incoming, outgoing) => {
    await readBody(incoming);
    outgoing.writeHead(200, { "content-type": "application/json" });
    outgoing.end(JSON.stringify(empty));
  });
  const { client } = await startGateway({ baseUrls: [baseUrl], operations: ["createChatCompletion"] });
  const refused = client.responses.compact({ model: "far", input: CONVERSATION });
  await expect(refused).rejects.toMatchObject({ status: 500, error: { code: expect.anything() as unknown } });
});
