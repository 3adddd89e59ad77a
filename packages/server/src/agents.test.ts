/** The agents SDK, unchanged: an agent that calls a tool, streams, answers by a schema, hands over, and goes on later. */

import { Agent, OpenAIConversationsSession, OpenAIProvider, Runner, tool } from "@openai/agents";
import { createScriptedEngine } from "@openai-compat/engines";
import OpenAI from "openai";
import { afterAll, expect, test } from "vitest";
import { z } from "zod";
import { startTestServer } from "./testing/test-server.ts";

const target = await startTestServer({ models: [{ id: "chat", isDefault: true, engine: createScriptedEngine() }] });
afterAll(() => target.server.close());

const client = new OpenAI({ baseURL: target.baseUrl, apiKey: target.keys.key, maxRetries: 0, logLevel: "off" });
const runner = new Runner({
  modelProvider: new OpenAIProvider({ openAIClient: client }),
  tracingDisabled: true,
});

const weather = tool({
  name: "weather",
  description: "The weather in a city.",
  parameters: z.object({ city: z.enum(["Oslo", "Quito"]) }),
  execute: async ({ city }) => `It rains in ${city}.`,
});

test("an agent calls a tool and answers with what it said", async () => {
  const agent = new Agent({ name: "Clerk", instructions: "Be brief.", model: "chat", tools: [weather] });
  // The scripted engine calls the tools that the last message names.
  const { finalOutput, history, rawResponses } = await runner.run(agent, "Call weather for me.");
  expect(finalOutput).toEqual(expect.stringMatching(/\w/));
  expect(history).toContainEqual(expect.objectContaining({ type: "function_call", name: "weather" }));
  expect(history).toContainEqual(
    expect.objectContaining({
      type: "function_call_result",
      output: expect.objectContaining({ text: expect.stringMatching(/^It rains in (Oslo|Quito)\.$/) }),
    }),
  );
  expect(rawResponses).toHaveLength(2);
  for (const { usage, responseId } of rawResponses) {
    expect(usage.outputTokens).toBeGreaterThan(0);
    expect(responseId).toMatch(/^resp_/);
  }
});

test("a streamed run of an agent gives the same text as it ends with", async () => {
  const agent = new Agent({ name: "Clerk", model: "chat", tools: [weather] });
  const run = await runner.run(agent, "Call weather for me.", { stream: true });
  let streamed = "";
  for await (const piece of run.toTextStream()) streamed += piece;
  await run.completed;
  expect(run.finalOutput).not.toBe("");
  expect(streamed).toBe(run.finalOutput);
});

test("an agent with a type of output answers by its schema", async () => {
  const outputType = z.object({ city: z.enum(["Oslo", "Quito"]), isCapital: z.boolean() });
  const agent = new Agent({ name: "Clerk", model: "chat", outputType });
  const { finalOutput } = await runner.run(agent, "Which city?");
  expect(outputType.parse(finalOutput)).toEqual(finalOutput);
});

test("an agent hands over to another one", async () => {
  const other = new Agent({ name: "Meteorologist", model: "chat" });
  const agent = Agent.create({ name: "Clerk", model: "chat", handoffs: [other] });
  const { lastAgent, finalOutput } = await runner.run(agent, "Call transfer_to_Meteorologist for me.");
  expect(lastAgent?.name).toBe("Meteorologist");
  expect(finalOutput).toEqual(expect.stringMatching(/\w/));
});

test("an agent goes on from an earlier response", async () => {
  const agent = new Agent({ name: "Clerk", model: "chat" });
  const first = await runner.run(agent, "Tell me about the sea.");
  const previousResponseId = first.lastResponseId ?? expect.fail();
  const second = await runner.run(agent, "Go on.", { previousResponseId });
  expect(second.rawResponses[0]?.usage.inputTokens).toBeGreaterThan(
    first.rawResponses[0]?.usage.inputTokens ?? Infinity,
  );
});

test("an agent keeps its session in a conversation", async () => {
  const session = new OpenAIConversationsSession({ client });
  const agent = new Agent({ name: "Clerk", model: "chat", tools: [weather] });
  await runner.run(agent, "Call weather for me.", { session });
  await runner.run(agent, "Go on.", { session });
  const types = (await session.getItems()).map(({ type }) => type);
  expect(types).toEqual(["message", "function_call", "function_call_result", "message", "message", "message"]);
  await session.clearSession();
});
