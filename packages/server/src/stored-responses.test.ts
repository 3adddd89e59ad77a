/** Responses that are read again by their id, through the official SDK, against a listening server. */

import OpenAI from "openai";
import { afterAll, expect, test } from "vitest";
import { startTestServer } from "./testing/test-server.ts";

const target = await startTestServer();
afterAll(() => target.server.close());
const open = (apiKey: string) => new OpenAI({ baseURL: target.baseUrl, apiKey, maxRetries: 0 });
const client = open(target.keys.key);
const request = { model: "scripted", input: "Tell me about the sea.", max_output_tokens: 16 };
const notFound = { status: 404, code: "not_found", param: "response_id" };

test("a response is retrieved as it was answered, streamed or not", async () => {
  const { output_text: _, ...made } = await client.responses.create(request);
  expect(await client.responses.retrieve(made.id)).toMatchObject(made);
  let last: unknown;
  for await (const event of await client.responses.create({ ...request, stream: true })) {
    if (event.type === "response.completed" || event.type === "response.incomplete") last = event.response;
  }
  const { id } = last as { id: string };
  expect(await client.responses.retrieve(id)).toMatchObject(last as object);
});

test("what is to be included may be named in each way of writing a list, and unknown names are refused", async () => {
  const { id } = await client.responses.create(request);
  const include = ["message.output_text.logprobs", "reasoning.encrypted_content"] as const;
  expect((await client.responses.retrieve(id, { include: [...include] })).id).toBe(id);
  expect((await client.get<{ id: string }>(`/responses/${id}?include=${include[0]}&include=${include[1]}`)).id).toBe(
    id,
  );
  await expect(client.get(`/responses/${id}?include[]=everything`)).rejects.toMatchObject({
    status: 400,
    param: "include[0]",
  });
});

test("what is not stored, is unknown or another account's is not found", async () => {
  const unstored = await client.responses.create({ ...request, store: false });
  const { id } = await client.responses.create(request);
  const other = open(await target.keys.mintFor("another"));
  const asking = [
    () => client.responses.retrieve(unstored.id),
    () => client.responses.retrieve("resp_1"),
    () => other.responses.retrieve(id),
    () => client.responses.cancel("resp_1"),
    () => other.responses.cancel(id),
  ];
  for (const ask of asking) await expect(ask()).rejects.toMatchObject(notFound);
});

test("a response that was not made in the background can't be cancelled", async () => {
  const { id } = await client.responses.create(request);
  await expect(client.responses.cancel(id)).rejects.toMatchObject({
    status: 400,
    message: expect.stringContaining("Cannot cancel a synchronous response"),
  });
  expect((await client.responses.retrieve(id)).id).toBe(id);
});
