/** `truncation: "auto"` of responses before chat completions of an upstream, which refuses what is too long for it. */

import type { ServerResponse } from "node:http";
import { expect, test, vi } from "vitest";
import { readBody, startGateway, startSecondServer, startUpstream } from "./testing/test-gateway.ts";

interface Body {
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly stream?: boolean;
}

const head = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "there" };
const choice = { index: 0, delta: { role: "assistant", content: "Deep." }, finish_reason: null };
const encode = (data: object) => `data: ${JSON.stringify(data)}\n\n`;
const BEGUN = encode({ ...head, choices: [choice] });
const ENDED = `${encode({ ...head, choices: [{ ...choice, delta: {}, finish_reason: "stop" }] })}data: [DONE]\n\n`;
const TOO_LONG = {
  message: "The prompt is too long.",
  type: "invalid_request_error",
  param: "messages",
  code: "context_length_exceeded",
};

const input = Array.from({ length: 16 }, (_, turn) => [
  { role: "user" as const, content: `q${turn}` },
  { role: "assistant" as const, content: `a${turn}` },
])
  .flat()
  .concat({ role: "user", content: "Why?" });

async function startRefusing(answer: (body: Body, outgoing: ServerResponse) => void) {
  const bodies: Body[] = [];
  const baseUrl = await startUpstream(async (incoming, outgoing) => {
    const body = JSON.parse(await readBody(incoming)) as Body;
    bodies.push(body);
    answer(body, outgoing);
  });
  const gateway = await startGateway({ baseUrls: [baseUrl] }, "chat", { rateLimits: { requestsPerMinute: 2 } });
  const request = { model: "far", input, instructions: "Be brief." };
  return { ...gateway, bodies, request };
}

function refuse(outgoing: ServerResponse): void {
  outgoing.writeHead(400, { "content-type": "application/json" });
  outgoing.end(JSON.stringify({ error: TOO_LONG }));
}

function answerStream(outgoing: ServerResponse, text: string): void {
  outgoing.writeHead(200, { "content-type": "text/event-stream" });
  outgoing.end(text);
}

test("a chain that is too long for a second server of our own goes on without its oldest turns, paid once", async () => {
  const { client, usage } = await startGateway(await startSecondServer());
  const text = "river ".repeat(1400);
  const request = { model: "far", input: text, max_output_tokens: 16 };
  const first = await client.responses.create(request);
  const second = await client.responses.create({ ...request, previous_response_id: first.id });
  const third = { ...request, previous_response_id: second.id };
  await expect(client.responses.create(third)).rejects.toMatchObject({ status: 400, code: "context_length_exceeded" });
  const before = (await usage()).length;
  const answer = await client.responses.create({ ...third, truncation: "auto" });
  expect(answer).toMatchObject({ truncation: "auto", previous_response_id: second.id });
  const { input_tokens: read = 0 } = answer.usage ?? {};
  expect(read).toBeGreaterThan(1400);
  expect(read).toBeLessThan(4096);
  const stream = client.responses.stream({ ...third, truncation: "auto" });
  expect((await stream.finalResponse()).usage?.input_tokens).toBe(read);
  await vi.waitFor(async () => expect(await usage()).toHaveLength(before + 2));
  await expect(
    client.responses.create({ ...request, input: text.repeat(4), truncation: "auto" }),
  ).rejects.toMatchObject({ status: 400, code: "context_length_exceeded", param: "input" });
});

test.each([
  ["by its status", refuse],
  ["in the stream of a good status", (outgoing: ServerResponse) => answerStream(outgoing, encode({ error: TOO_LONG }))],
])("what is refused %s is sent again as one call, with the system message and the last question", async (_how, no) => {
  const { client, bodies, usage, request } = await startRefusing(({ messages }, outgoing) => {
    if (messages.length > 8) no(outgoing);
    else answerStream(outgoing, BEGUN + ENDED);
  });
  const stream = client.responses.stream({ ...request, truncation: "auto" });
  expect((await stream.finalResponse()).output_text).toBe("Deep.");
  expect(bodies.length).toBeGreaterThan(2);
  const { messages } = bodies.at(-1) ?? expect.fail();
  expect(messages[0]).toEqual({ role: "system", content: "Be brief." });
  expect(messages.slice(1)).toEqual(input.slice(-messages.length + 1));
  await vi.waitFor(async () => expect(await usage()).toHaveLength(1));
});

test("an upstream that takes nothing is asked a few times, and its refusal is the caller's, at no cost", async () => {
  const { client, bodies, usage, stores, request } = await startRefusing((_body, outgoing) => refuse(outgoing));
  for (const stream of [false, true]) {
    bodies.length = 0;
    const refused = client.responses.create({ ...request, stream, truncation: "auto" });
    await expect(refused).rejects.toMatchObject({ status: 400, code: "context_length_exceeded", param: "input" });
    expect(bodies.length).toBeGreaterThan(2);
    expect(bodies.length).toBeLessThanOrEqual(6);
    expect(bodies.at(-1)?.messages).toEqual([
      { role: "system", content: "Be brief." },
      { role: "user", content: "Why?" },
    ]);
  }
  expect(await usage()).toEqual([]);
  expect((await stores.credits.readBalance("ada")).held).toBe(0);
});

test.each([["disabled" as const], [null]])("with truncation %s nothing is sent again", async (truncation) => {
  const { client, bodies, request } = await startRefusing((_body, outgoing) => refuse(outgoing));
  await expect(client.responses.create({ ...request, truncation })).rejects.toMatchObject({ status: 400 });
  expect(bodies).toHaveLength(1);
});

test("what is refused after output has begun is not sent again", async () => {
  const { client, bodies, request } = await startRefusing((_body, outgoing) =>
    answerStream(outgoing, BEGUN + encode({ error: TOO_LONG })),
  );
  const types: string[] = [];
  let code: string | undefined;
  for await (const event of await client.responses.create({ ...request, stream: true, truncation: "auto" })) {
    types.push(event.type);
    if (event.type === "response.failed") code = event.response.error?.code;
  }
  expect(types).toContain("response.output_text.delta");
  expect([types.at(-1), code]).toEqual(["response.failed", "context_length_exceeded"]);
  expect(bodies).toHaveLength(1);
});
