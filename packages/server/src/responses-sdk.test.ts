/** The official SDK in each major version that is in use, and its helpers, against a listening server: responses. */

import OpenAI7 from "openai";
import OpenAI5 from "openai-v5";
import OpenAI6 from "openai-v6";
import { zodResponsesFunction, zodTextFormat } from "openai/helpers/zod";
import { createScriptedEngine } from "@openai-compat/engines";
import { afterAll, expect, test } from "vitest";
import { z } from "zod";
import { startTestServer } from "./testing/test-server.ts";

const target = await startTestServer({
  models: [{ id: "org/scripted", isDefault: true, engine: createScriptedEngine() }],
});
afterAll(() => target.server.close());

const options = { baseURL: target.baseUrl, apiKey: target.keys.key, maxRetries: 0, logLevel: "off" as const };
const sdks = [
  { version: 7, client: new OpenAI7(options) },
  // The majors share these calls; their types differ in details that are not used here.
  { version: 6, client: new OpenAI6(options) as unknown as OpenAI7 },
  { version: 5, client: new OpenAI5(options) as unknown as OpenAI7 },
];
const request = { model: "org/scripted", input: "Tell me about the sea.", temperature: 0 };

test.each(sdks)("SDK $version gets a response; its stream is the same text", async ({ client }) => {
  const response = await client.responses.create(request);
  expect(response).toMatchObject({ object: "response", status: "completed", error: null, model: "org/scripted" });
  expect(response.id).toMatch(/^resp_[0-9a-f]{32}$/);
  expect(response.output_text.length).toBeGreaterThan(0);
  const types: string[] = [];
  let text = "";
  for await (const event of await client.responses.create({ ...request, stream: true })) {
    types.push(event.type);
    expect(event.sequence_number).toBe(types.length - 1);
    if (event.type === "response.output_text.delta") text += event.delta;
  }
  expect(text).toBe(response.output_text);
  expect(types.filter((type) => type !== "response.output_text.delta")).toEqual([
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.completed",
  ]);
});

test.each(sdks)(
  "SDK $version goes on from an earlier response, and is told of one that is not there",
  async ({ client }) => {
    const first = await client.responses.create(request);
    const second = await client.responses.create({ ...request, input: "Go on.", previous_response_id: first.id });
    expect(second.previous_response_id).toBe(first.id);
    expect(second.usage?.input_tokens).toBeGreaterThan(first.usage?.input_tokens ?? Infinity);
    const refused = client.responses.create({ ...request, previous_response_id: `resp_${"0".repeat(32)}` });
    await expect(refused).rejects.toMatchObject({
      status: 404,
      code: "previous_response_not_found",
      param: "previous_response_id",
    });
  },
);

test("the stream helper's response is the one of the last event", async () => {
  const { client } = sdks[0] ?? expect.fail();
  const stream = client.responses.stream(request);
  const events: { type: string }[] = [];
  for await (const event of stream) events.push(event);
  const final = await stream.finalResponse();
  expect(final.status).toBe("completed");
  expect(final.output_text.length).toBeGreaterThan(0);
  expect(events.at(-1)).toMatchObject({ type: "response.completed" });
});

test("the parse helper reads an answer of a schema and the arguments of a call", async () => {
  const { client } = sdks[0] ?? expect.fail();
  const format = zodTextFormat(z.object({ city: z.string(), isCapital: z.boolean() }), "city");
  const parsed = await client.responses.parse({ ...request, text: { format } });
  expect(typeof parsed.output_parsed?.isCapital).toBe("boolean");
  const tool = zodResponsesFunction({ name: "get_weather", parameters: z.object({ city: z.string() }) });
  const called = await client.responses.parse({ ...request, tools: [tool], tool_choice: "required" });
  const call = called.output[0];
  expect(call).toMatchObject({ type: "function_call", name: "get_weather", status: "completed" });
  expect(call?.type === "function_call" && call.parsed_arguments).toEqual({ city: expect.any(String) });
});

test("a chain that has become too long is answered without its oldest turns where that is asked for, and refused else", async () => {
  const { client } = sdks[0] ?? expect.fail();
  const contextTokens = 4096;
  const input = "river ".repeat(contextTokens / 3);
  const first = await client.responses.create({ ...request, input, max_output_tokens: 16 });
  const second = await client.responses.create({
    ...request,
    input,
    previous_response_id: first.id,
    max_output_tokens: 16,
  });
  const third = { ...request, input, previous_response_id: second.id, max_output_tokens: 16 };
  await expect(client.responses.create(third)).rejects.toMatchObject({ status: 400, code: "context_length_exceeded" });
  const answer = await client.responses.create({ ...third, truncation: "auto" });
  expect(answer).toMatchObject({ status: "incomplete", truncation: "auto", previous_response_id: second.id });
  const { input_tokens: read = 0 } = answer.usage ?? {};
  expect(read).toBeGreaterThan(contextTokens / 3);
  expect(read).toBeLessThan(contextTokens);
  await expect(
    client.responses.create({ ...request, input: input.repeat(3), truncation: "auto" }),
  ).rejects.toMatchObject({ status: 400, code: "context_length_exceeded" });
});

test("an item of the conversation sets the format of the responses that follow, until the next one", async () => {
  const { client } = sdks[0] ?? expect.fail();
  const schema = { type: "object", properties: { city: { enum: ["Oslo"] } }, required: ["city"] };
  const format = { type: "json_schema" as const, name: "city", strict: false, schema };
  const question = { role: "user" as const, content: "Which city?" };
  const first = await client.responses.create({
    ...request,
    input: [{ type: "configuration_update", text: { format } }, question],
  });
  expect(JSON.parse(first.output_text)).toEqual({ city: "Oslo" });
  const second = await client.responses.create({ ...request, input: [question], previous_response_id: first.id });
  expect(JSON.parse(second.output_text)).toEqual({ city: "Oslo" });
  const third = await client.responses.create({
    ...request,
    input: [{ type: "configuration_update", text: { format: { type: "text" } } }, question],
    previous_response_id: second.id,
  });
  expect(third.output_text).not.toContain("{");
});
