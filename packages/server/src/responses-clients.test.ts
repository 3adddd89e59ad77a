/** Libraries that speak responses by default, unchanged, and the requests of programs as they were recorded. */

import { createOpenAI } from "@ai-sdk/openai";
import { tool as defineTool } from "@langchain/core/tools";
import { ChatOpenAI } from "@langchain/openai";
import type { ChatEngine, ChatMessage, GenerationEvent } from "@openai-compat/core";
import { createScriptedEngine } from "@openai-compat/engines";
import { outputReasoningSchema, responseStreamEventSchema } from "@openai-compat/spec";
import { generateObject, generateText, isStepCount, streamText, tool } from "ai";
import OpenAI from "openai";
import { afterAll, expect, test } from "vitest";
import { z } from "zod";
import { startTestServer } from "./testing/test-server.ts";

const scripted = createScriptedEngine();
const prompts: (readonly ChatMessage[])[] = [];

/** The scripted engine, which reasons before it answers; what it was asked is kept. */
const thinking: ChatEngine = {
  ...scripted,
  prepare(chat, signal) {
    prompts.push(chat.messages);
    return scripted.prepare(chat, signal);
  },
  async *generate(request, signal): AsyncGenerator<GenerationEvent, void> {
    let isFirst = true;
    for await (const event of scripted.generate(request, signal)) {
      if (isFirst && event.type !== "generation-start" && event.type !== "prompt-end") {
        isFirst = false;
        yield { type: "reasoning-delta", text: "Let me think.", completionTokens: 1 };
      }
      yield event;
    }
  },
};

const target = await startTestServer({
  models: [
    { id: "chat", isDefault: true, engine: scripted },
    { id: "thinking", engine: thinking },
  ],
});
afterAll(() => target.server.close());

const prompt = "Tell me about the sea.";
const weatherSchema = z.object({ city: z.enum(["Oslo", "Quito"]) });
const sent: string[] = [];
const vercel = createOpenAI({
  baseURL: target.baseUrl,
  apiKey: target.keys.key,
  fetch(input, init) {
    if (typeof init?.body === "string") sent.push(init.body);
    return fetch(input, init);
  },
});
const openai = new OpenAI({ baseURL: target.baseUrl, apiKey: target.keys.key, maxRetries: 0, logLevel: "off" });
const langchain = new ChatOpenAI({
  model: "chat",
  apiKey: target.keys.key,
  configuration: { baseURL: target.baseUrl },
  useResponsesApi: true,
  maxRetries: 0,
});

test("the AI SDK's default model generates a text, and streams the same", async () => {
  const request = { model: vercel("chat"), prompt, temperature: 0 };
  const { text, finishReason, usage } = await generateText(request);
  expect(text).not.toBe("");
  expect(finishReason).toBe("stop");
  expect(usage.outputTokens).toBeGreaterThan(0);
  const stream = streamText(request);
  let streamed = "";
  for await (const delta of stream.textStream) streamed += delta;
  expect(streamed).toBe(text);
  expect(await stream.finishReason).toBe("stop");
});

test("the AI SDK calls a tool, and its second request refers to items of the first", async () => {
  const { steps, text } = await generateText({
    model: vercel("thinking"),
    prompt,
    providerOptions: { openai: { forceReasoning: true, reasoningSummary: "auto" } },
    tools: { weather: tool({ inputSchema: weatherSchema, execute: async ({ city }) => `It rains in ${city}.` }) },
    prepareStep: ({ stepNumber }) => ({ toolChoice: stepNumber === 0 ? "required" : "none" }),
    stopWhen: isStepCount(3),
  });
  expect(steps).toHaveLength(2);
  expect(steps[0]?.finishReason).toBe("tool-calls");
  expect(steps[0]?.reasoningText).toBe("Let me think.");
  expect(sent.at(-1)).toContain('"item_reference"');
  expect(text).not.toBe("");
  expect(prompts.at(-1)).toMatchObject([
    { role: "user", content: prompt },
    { role: "assistant", reasoning: "Let me think.", toolCalls: [{ name: "weather" }] },
    { role: "tool", content: expect.stringContaining("It rains in") },
  ]);
});

test("the AI SDK generates an object of a schema", async () => {
  const { object } = await generateObject({ model: vercel("chat"), schema: weatherSchema, prompt });
  expect(weatherSchema.parse(object)).toEqual(object);
});

test("LangChain's responses answer, stream and call tools", async () => {
  const answer = await langchain.invoke(prompt);
  expect(answer.text).not.toBe("");
  let streamed = "";
  for await (const chunk of await langchain.stream(prompt)) streamed += chunk.text;
  expect(streamed).not.toBe("");
  const weather = defineTool(async () => "It rains.", { name: "weather", schema: weatherSchema });
  const called = await langchain.bindTools([weather], { tool_choice: "weather" }).invoke(prompt);
  expect(called.tool_calls?.[0]).toMatchObject({ name: "weather" });
});

/** The first request of Codex with a model that it does not know; its texts are shortened. */
const CODEX = {
  model: "chat",
  input: [
    { type: "message", role: "developer", content: [{ type: "input_text", text: "<permissions instructions>" }] },
    { type: "message", role: "user", content: [{ type: "input_text", text: "<environment_context>" }] },
    { type: "message", role: "user", content: [{ type: "input_text", text: "List the files." }] },
  ],
  tools: [
    {
      type: "function",
      name: "exec_command",
      description: "Runs a command.",
      strict: false,
      parameters: { type: "object", properties: { cmd: { type: "string" } }, required: ["cmd"] },
    },
    {
      type: "namespace",
      name: "agents",
      description: "Sub-agents.",
      tools: [
        {
          type: "function",
          name: "spawn_agent",
          strict: false,
          parameters: { type: "object", properties: { task: { type: "string" } } },
        },
      ],
    },
    { type: "web_search", external_web_access: false },
  ],
  tool_choice: "auto",
  parallel_tool_calls: true,
  reasoning: { summary: "auto" },
  store: false,
  stream: true,
  include: ["reasoning.encrypted_content"],
  prompt_cache_key: "0199",
  client_metadata: { "x-codex-installation-id": "0199" },
};

/** The last event of a stream. */
async function readLast(answer: Response) {
  const [data = ""] = (await answer.text()).trimEnd().split("\ndata: ").slice(-1);
  const event = responseStreamEventSchema.parse(JSON.parse(data));
  return "response" in event ? event : expect.fail(event.type);
}

async function postResponse(body: object): Promise<Response> {
  return fetch(`${target.baseUrl}/responses`, {
    method: "POST",
    headers: { authorization: `Bearer ${target.keys.key}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

test("a turn of Codex is answered, and so is the next one, which sends everything back", async () => {
  const { type, response } = await readLast(await postResponse({ ...CODEX, model: "thinking" }));
  expect(type).toBe("response.completed");
  expect(response).toMatchObject({ status: "completed", store: false, tools: CODEX.tools });
  const reasoning = outputReasoningSchema.parse(response.output[0]);
  expect(reasoning.encrypted_content).toMatch(/^oc1\./);
  const next = [
    // As Codex sends it: without the summary's text, and with a null for the content.
    { type: "reasoning", summary: [], content: null, encrypted_content: reasoning.encrypted_content },
    { type: "function_call", id: "fc_1", name: "exec_command", arguments: '{"cmd":"ls"}', call_id: "call_1" },
    { type: "function_call", name: "spawn_agent", namespace: "agents", arguments: "{}", call_id: "call_2" },
    { type: "function_call_output", id: "fco_1", call_id: "call_1", output: "a.txt" },
    { type: "function_call_output", call_id: "call_2", output: [{ type: "input_text", text: "done" }] },
  ];
  const answer = await postResponse({ ...CODEX, model: "thinking", input: [...CODEX.input, ...next] });
  expect((await readLast(answer)).type).toBe("response.completed");
  expect(prompts.at(-1)).toMatchObject([
    { role: "system" },
    { role: "user" },
    { role: "user", content: "List the files." },
    {
      role: "assistant",
      reasoning: "Let me think.",
      toolCalls: [{ name: "exec_command" }, { name: "agents__spawn_agent" }],
    },
    { role: "tool", content: "a.txt" },
    { role: "tool", content: "done" },
  ]);
});

test("what a response keeps is its account's alone", async () => {
  const { id } = await openai.responses.create({ model: "chat", input: prompt });
  const { output } = await openai.responses.create({ model: "chat", input: prompt });
  const other = new OpenAI({
    baseURL: target.baseUrl,
    apiKey: await target.keys.mintFor("bob"),
    maxRetries: 0,
    logLevel: "off",
  });
  const reference = { type: "item_reference" as const, id: String(output[0]?.id) };
  const refusals = [
    other.responses.create({ model: "chat", input: prompt, previous_response_id: id }),
    other.responses.create({ model: "chat", input: [reference] }),
  ];
  await expect(refusals[0]).rejects.toMatchObject({ status: 404, code: "previous_response_not_found" });
  await expect(refusals[1]).rejects.toMatchObject({ status: 404, param: "input[0].id" });
  expect(
    (await openai.responses.create({ model: "chat", input: [reference, { role: "user", content: "?" }] })).status,
  ).toBe("completed");
});

test("with store: false nothing is kept, and nothing can go on from it", async () => {
  const kept = await openai.responses.create({ model: "chat", input: prompt, store: false });
  expect(kept).toMatchObject({ store: false });
  const next = openai.responses.create({ model: "chat", input: prompt, previous_response_id: kept.id });
  await expect(next).rejects.toMatchObject({ status: 404, code: "previous_response_not_found" });
});

test("an account without room is answered, and told that nothing was stored", async () => {
  const small = await startTestServer({
    models: [{ id: "chat", isDefault: true, engine: scripted }],
    config: { responses: { accountBytesMax: 16 * 1024 } },
  });
  try {
    const client = new OpenAI({ baseURL: small.baseUrl, apiKey: small.keys.key, maxRetries: 0 });
    const large = await client.responses.create({
      model: "chat",
      input: "word ".repeat(3500),
      max_output_tokens: 16,
    });
    expect(large).toMatchObject({ status: "incomplete", store: false });
    await expect(
      client.responses.create({ model: "chat", input: "?", previous_response_id: large.id }),
    ).rejects.toMatchObject({ code: "previous_response_not_found" });
  } finally {
    await small.server.close();
  }
});

test.each([
  [{ input: prompt, model: "absent" }, 400, "model_not_found", "model"],
  [{ input: [] }, 400, "missing_required_parameter", "input"],
  [{}, 400, "missing_required_parameter", "input"],
  [{ input: prompt, background: true, store: false }, 400, "invalid_value", "background"],
  [{ input: prompt, previous_response_id: "a", conversation: "b" }, 400, "invalid_value", "conversation"],
  [{ input: prompt, conversation: "conv_absent" }, 404, "not_found", "conversation"],
  [{ input: [{ type: "telepathy" }] }, 400, "invalid_value", "input[0].type"],
  [{ input: [{ role: "robot", content: "Hi" }] }, 400, "invalid_value", "input[0].role"],
  [
    { input: prompt, text: { format: { type: "json_schema", name: "a" } } },
    400,
    "missing_required_parameter",
    "text.format.schema",
  ],
  [{ input: prompt, temperature: 3 }, 400, "invalid_value", "temperature"],
])("%j is refused before the stream", async (fields, status, code, param) => {
  const response = await postResponse({ model: "chat", stream: true, ...fields });
  expect(response.status).toBe(status);
  expect(await response.json()).toMatchObject({ error: { code, param } });
});
