/** Counts of input tokens through the official SDK, against a listening server. */

import OpenAI from "openai";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { createMemoryStores } from "./stores/memory.ts";
import { startTestServer } from "./testing/test-server.ts";

const target = await startTestServer();
afterAll(() => target.server.close());
const client = new OpenAI({ baseURL: target.baseUrl, apiKey: target.keys.key, maxRetries: 0 });
const MODEL = { model: "scripted" };
const look = {
  type: "function" as const,
  name: "look",
  description: "Looks at the sea.",
  parameters: { type: "object", properties: { where: { type: "string" } } },
  strict: false,
};

test.each([
  { input: "Tell me about the sea." },
  { input: "Tell me about the sea.", instructions: "Answer in one word." },
  { input: "Tell me about the sea.", tools: [look], tool_choice: "auto" as const },
  {
    input: [
      { role: "developer" as const, content: "Be brief." },
      { role: "user" as const, content: [{ type: "input_text" as const, text: "Tell me about the sea." }] },
    ],
  },
])("what is counted is what a response with the same fields reads: %j", async (fields) => {
  const { object, input_tokens: counted } = await client.responses.inputTokens.count({ ...MODEL, ...fields });
  expect(object).toBe("response.input_tokens");
  const { usage } = await client.responses.create({ ...MODEL, ...fields, max_output_tokens: 16 });
  expect(counted).toBe(usage?.input_tokens);
});

test("the turns before are counted with it, of a response and of a conversation", async () => {
  const alone = await client.responses.inputTokens.count({ ...MODEL, input: "Go on." });
  const { id } = await client.responses.create({ ...MODEL, input: "Tell me about the sea.", max_output_tokens: 16 });
  const items = [{ role: "user" as const, content: "Tell me about the sea." }];
  const conversation = (await client.conversations.create({ items })).id;
  for (const state of [{ previous_response_id: id }, { conversation }]) {
    const request = { ...MODEL, input: "Go on.", ...state };
    const { input_tokens: counted } = await client.responses.inputTokens.count(request);
    expect(counted).toBeGreaterThan(alone.input_tokens);
    const made = await client.responses.create({ ...request, max_output_tokens: 16, store: false });
    expect(counted).toBe(made.usage?.input_tokens);
  }
});

test("a count costs nothing, and nothing of it is kept", async () => {
  const stores = createMemoryStores();
  const asked: string[] = [];
  const note =
    <Values extends readonly unknown[], Answer>(name: string, call: (...values: Values) => Answer) =>
    (...values: Values): Answer => {
      asked.push(name);
      return call(...values);
    };
  const { credits } = stores;
  const noted = { ...credits, hold: note("hold", credits.hold), recordFree: note("recordFree", credits.recordFree) };
  const counting = await startTestServer({ stores: { ...stores, credits: noted } });
  onTestFinished(() => counting.server.close());
  const other = new OpenAI({ baseURL: counting.baseUrl, apiKey: counting.keys.key, maxRetries: 0 });
  const conversation = (await other.conversations.create()).id;
  await other.responses.inputTokens.count({ ...MODEL, input: "Go on.", conversation });
  expect(asked).toEqual([]);
  expect((await other.conversations.items.list(conversation)).data).toEqual([]);
  await other.responses.create({ ...MODEL, input: "Go on.", max_output_tokens: 16 });
  expect(asked.length).toBeGreaterThan(0);
});

test.each([
  [{}, "model"],
  [MODEL, "input"],
  [{ model: "none", input: "Hello." }, "model"],
  [{ ...MODEL, input: 5 }, "input"],
  [{ ...MODEL, input: "Hello.", previous_response_id: "resp_none" }, "previous_response_id"],
  [{ ...MODEL, input: [{ type: "item_reference", id: "msg_none" }] }, "input[0].id"],
])("what no response is made of is refused as there: %j", async (body, param) => {
  const statuses = await Promise.all(
    ["/responses/input_tokens", "/responses"].map(async (path) =>
      client.post(path, { body }).then(
        () => null,
        ({ status, param: blamed, code }: InstanceType<typeof OpenAI.APIError>) => ({ status, blamed, code }),
      ),
    ),
  );
  expect(statuses[0]).toEqual(statuses[1]);
  expect(statuses[0]?.blamed).toBe(param);
});
