/** Counts of input tokens of a model of an upstream: asked for where the upstream has responses itself, else refused. */

import { expect, test } from "vitest";
import { readBody, startGateway, startSecondServer, startUpstream } from "./testing/test-gateway.ts";

const input = "Tell me about the sea.";
const operations = ["createChatCompletion", "createResponse", "Getinputtokencounts"] as const;

async function startCounting(status: number, answer: unknown, hasResponses = true) {
  const seen: { readonly path: string | undefined; readonly body: unknown }[] = [];
  const baseUrl = await startUpstream(async (incoming, outgoing) => {
    seen.push({ path: incoming.url, body: JSON.parse(await readBody(incoming)) });
    outgoing.writeHead(status, { "content-type": "application/json" });
    outgoing.end(JSON.stringify(answer));
  });
  const gateway = await startGateway({ baseUrls: [baseUrl], ...(hasResponses ? { operations } : {}) });
  const count = async (fields: object = {}) => {
    const response = await fetch(`${gateway.baseUrl}/responses/input_tokens`, {
      method: "POST",
      headers: { authorization: `Bearer ${gateway.keys.key}`, "content-type": "application/json" },
      body: JSON.stringify({ model: "far", input, ...fields }),
    });
    return { status: response.status, body: await response.json() };
  };
  return { ...gateway, count, seen };
}

test("an upstream that has responses counts what a response of it reads, the turns before with it, at no cost", async () => {
  const { client, usage } = await startGateway({ ...(await startSecondServer()), operations });
  const request = { model: "far", input, instructions: "Be brief." };
  const counted = await client.responses.inputTokens.count(request);
  expect(await usage()).toMatchObject([{ amount: 0, units: { inputTokens: 0, outputTokens: 0 } }]);
  const first = await client.responses.create(request);
  expect(counted).toEqual({ object: "response.input_tokens", input_tokens: first.usage?.input_tokens });
  const next = { model: "far", input: "Why?", previous_response_id: first.id };
  const { input_tokens: more } = await client.responses.inputTokens.count(next);
  expect(more).toBe((await client.responses.create(next)).usage?.input_tokens);
  const paid = (await usage()).filter(({ amount }) => amount !== 0);
  expect(paid).toHaveLength(2);
});

test("the upstream gets what a prompt is made of, and nothing of a response's state", async () => {
  const { count, seen } = await startCounting(200, { object: "response.input_tokens", input_tokens: 7, x: 1 });
  const tools = [{ type: "function", name: "look", parameters: {}, strict: false }];
  const state = { store: true, metadata: { a: "b" }, stream: true, max_output_tokens: 20, temperature: 0 };
  expect(await count({ tools, reasoning: { effort: "low" }, ...state })).toEqual({
    status: 200,
    body: { object: "response.input_tokens", input_tokens: 7 },
  });
  expect(seen).toEqual([
    {
      path: "/v1/responses/input_tokens",
      body: { model: "scripted", input: [{ role: "user", content: input }], tools, reasoning: { effort: "low" } },
    },
  ]);
});

test.each([
  [404, { detail: "Not Found" }],
  [404, { error: { message: "Unknown path.", type: "invalid_request_error", param: null, code: "unknown_url" } }],
  [405, { detail: "Method Not Allowed" }],
  [501, { error: { message: "No.", type: "server_error", param: null, code: "not_implemented" } }],
])("an upstream without counts (%i) is no failure: the model is refused by name", async (status, answer) => {
  const { count, usage } = await startCounting(status, answer);
  expect(await count()).toMatchObject({
    status: 400,
    body: { error: { code: "unsupported_value", param: "model", message: expect.stringContaining("'far'") } },
  });
  expect((await usage()).filter(({ amount }) => amount !== 0)).toEqual([]);
});

test.each([
  [
    400,
    { error: { message: "Bad.", type: "invalid_request_error", param: "input", code: "invalid_value" } },
    400,
    "invalid_value",
  ],
  [
    404,
    { error: { message: "No such model.", type: "invalid_request_error", param: null, code: "model_not_found" } },
    500,
    "upstream_failed",
  ],
  [500, { error: { message: "Oh.", type: "server_error", param: null, code: null } }, 500, "upstream_failed"],
  [200, { object: "response.input_tokens" }, 500, "upstream_failed"],
  [200, { object: "response.input_tokens", input_tokens: "7" }, 500, "upstream_failed"],
])("other answers of the upstream (%i %j) become those that a response gets", async (status, answer, shown, code) => {
  const { count, usage } = await startCounting(status, answer);
  expect(await count()).toMatchObject({ status: shown, body: { error: { code } } });
  expect((await usage()).filter(({ amount }) => amount !== 0)).toEqual([]);
});

test("a model that answers responses by chat completions counts nothing, and is refused by name", async () => {
  const { count, seen } = await startCounting(200, {}, false);
  expect(await count()).toMatchObject({ status: 400, body: { error: { code: "unsupported_value", param: "model" } } });
  expect(await count({ input: [{ type: "item_reference", id: "msg_none" }] })).toMatchObject({
    status: 404,
    body: { error: { param: "input[0].id" } },
  });
  expect(seen).toEqual([]);
});
