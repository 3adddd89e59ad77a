/**
 * `client.v1` on what two other servers answered, replayed: llama.cpp, which adds fields and leaves out others, and fakellm.
 * `testing/record-answers.ts` records them again.
 */

import { readFileSync } from "node:fs";
import { http, HttpResponse } from "msw";
import { setupServer } from "msw/node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createClient } from "./index.ts";
import type { RecordedAnswer } from "./testing/record-answers.ts";

const BASE_URL = "http://foreign.test/v1";
const KEY = "sk-of-a-test";
const messages = [{ role: "user" as const, content: "hello" }];

function readRecorded(name: string): readonly RecordedAnswer[] {
  return JSON.parse(
    readFileSync(new URL(`testing/recorded/${name}.json`, import.meta.url), "utf8"),
  ) as RecordedAnswer[];
}

/** Answers a request as the foreign server did; the requests must be equal to the last field. */
function replay(recorded: readonly RecordedAnswer[]) {
  return http.all(`${BASE_URL}/*`, async ({ request }) => {
    expect(request.headers.get("authorization")).toBe(`Bearer ${KEY}`);
    const path = request.url.slice(BASE_URL.length);
    const text = await request.text();
    const body: unknown = text === "" ? null : JSON.parse(text);
    const answer = recorded.find(
      (candidate) => candidate.path === path && candidate.method === request.method && isEqual(candidate.body, body),
    );
    if (answer === undefined) return new HttpResponse(`nothing is recorded for ${path} ${text}`, { status: 599 });
    return new HttpResponse(answer.text, { status: answer.status, headers: { "content-type": answer.contentType } });
  });
}

function isEqual(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

function originalOf(recorded: readonly RecordedAnswer[], path: string, streams = false): RecordedAnswer {
  const found = recorded.find(
    ({ path: candidate, body, status }) =>
      candidate === path && status === 200 && (body?.["stream"] === true) === streams,
  );
  if (found === undefined) throw new Error(`nothing is recorded of ${path}`);
  return found;
}

describe.each([
  { name: "llama-cpp", model: "smollm2" },
  { name: "fakellm", model: "gpt-4o" },
])("$name", ({ name, model }) => {
  const recorded = readRecorded(name);
  const mock = setupServer(replay(recorded));
  beforeAll(() => mock.listen());
  afterAll(() => mock.close());
  const { v1 } = createClient({ baseURL: BASE_URL, token: KEY, retry: { attempts: 1 } });
  const chat = { model, messages, max_tokens: 6, seed: 1 };

  test("a chat keeps its unknown fields, and what may be null and is absent is null", async () => {
    const original: unknown = JSON.parse(originalOf(recorded, "/chat/completions").text);
    const answer = await v1.createChatCompletion(chat);
    expect(answer).toMatchObject(original as object);
    expect(answer.choices[0]?.message.refusal).toBeNull();
    expect(answer.choices[0]?.logprobs).toBeNull();
    expect("timings" in answer).toBe(name === "llama-cpp");
  });

  test("a streamed chat has all events as they were sent", async () => {
    const { text } = originalOf(recorded, "/chat/completions", true);
    const sent = text
      .split("\n\n")
      .filter((block) => block.startsWith("data: {"))
      .map((block): unknown => JSON.parse(block.slice("data: ".length)));
    const stream = await v1.createChatCompletion({ ...chat, stream: true, stream_options: { include_usage: true } });
    const events: unknown[] = [];
    let said = "";
    for await (const event of stream) {
      events.push(event);
      said += event.choices[0]?.delta.content ?? "";
    }
    expect(events).toEqual(sent);
    expect(said).toMatch(/^(hello|Hi there)/);
  });
});

test("llama.cpp lists its models and refuses a chat without messages, and fakellm says that it has no list", async () => {
  const { v1 } = createClient({ baseURL: BASE_URL, token: KEY });
  const mock = setupServer(replay(readRecorded("llama-cpp")));
  mock.listen();
  const list = await v1.listModels();
  expect(list.data.map(({ id, owned_by }) => [id, owned_by])).toEqual([["smollm2", "llamacpp"]]);
  expect(list.data[0]).toHaveProperty("meta.n_params");
  // @ts-expect-error -- a chat has messages
  await expect(v1.createChatCompletion({ model: "smollm2" }, { validate: false })).rejects.toMatchObject({
    kind: "api",
    status: 400,
    code: "400",
    type: "invalid_request_error",
    message: "'messages' is required",
  });
  mock.use(replay(readRecorded("fakellm")));
  await expect(v1.listModels()).rejects.toMatchObject({ kind: "api", status: 404, message: "Not Found" });
  mock.close();
});
