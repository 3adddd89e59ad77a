/** Responses that say nothing for a while: clients of them count events, and no comments. */

import { setTimeout as delay } from "node:timers/promises";
import type { ChatEngine, GenerationEvent } from "@openai-compat/core";
import { createScriptedEngine } from "@openai-compat/engines";
import { responseStreamEventSchema, validateShape } from "@openai-compat/spec";
import OpenAI from "openai";
import OpenAIv5 from "openai-v5";
import OpenAIv6 from "openai-v6";
import { expect, onTestFinished, test } from "vitest";
import { startGateway, startUpstream } from "./testing/test-gateway.ts";
import { startTestServer } from "./testing/test-server.ts";

const request = { model: "default", input: "Tell me about the sea." };
const limits = { streamKeepAliveMs: 10 };

interface Wire {
  readonly type: string;
  readonly sequence_number: number;
  readonly response?: { readonly id: string; readonly status: string };
}

/** Reads a prompt for as long as the test says. */
function createSlowEngine() {
  const scripted = createScriptedEngine();
  const read = Promise.withResolvers<void>();
  const engine: ChatEngine = {
    ...scripted,
    async *generate(generation, signal): AsyncGenerator<GenerationEvent, void> {
      await read.promise;
      yield* scripted.generate(generation, signal);
    },
  };
  return { engine, read: () => read.resolve() };
}

async function startSlow() {
  const { engine, read } = createSlowEngine();
  const { server, baseUrl, keys } = await startTestServer({ engine, config: { limits } });
  onTestFinished(() => server.close());
  return { baseURL: baseUrl, apiKey: keys.key, read };
}

/** @param onEvent called with each event as it comes */
async function readEvents(
  { baseURL, apiKey }: { readonly baseURL: string; readonly apiKey: string },
  onEvent: (event: Wire, count: number) => void,
) {
  const answer = await fetch(`${baseURL}/responses`, {
    method: "POST",
    headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
    body: JSON.stringify({ ...request, stream: true }),
  });
  const events: Wire[] = [];
  let text = "";
  for await (const bytes of answer.body ?? []) {
    text += Buffer.from(bytes).toString();
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    for (const line of lines.filter((found) => found.startsWith("data: "))) {
      const event = JSON.parse(line.slice(6)) as Wire;
      events.push(event);
      onEvent(event, events.length);
    }
  }
  return events;
}

test("while a prompt is read, events say that the response goes on, in the order of their numbers", async () => {
  const { read, ...target } = await startSlow();
  const events = await readEvents(target, (_, count) => {
    if (count === 5) read();
  });
  expect(events.slice(0, 5).map(({ type }) => type)).toEqual([
    "response.created",
    ...Array.from({ length: 4 }, () => "response.in_progress"),
  ]);
  expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index));
  expect(events.flatMap((event) => validateShape(responseStreamEventSchema, event))).toEqual([]);
  expect(events.at(-1)).toMatchObject({ type: "response.completed", response: { id: events[0]?.response?.id } });
});

type Options = { readonly baseURL: string; readonly apiKey: string; readonly maxRetries: 0 };
const SDKS = [
  ["5", (options: Options) => new OpenAIv5(options).responses.stream(request)],
  ["6", (options: Options) => new OpenAIv6(options).responses.stream(request)],
  ["7", (options: Options) => new OpenAI(options).responses.stream(request)],
] as const;

test.each(SDKS)("the stream helper of openai %s reads them", async (_version, open) => {
  const { read, ...options } = await startSlow();
  const stream = open({ ...options, maxRetries: 0 });
  let begun = 0;
  for await (const { type } of stream) {
    if (type === "response.in_progress") begun += 1;
    if (begun === 3) read();
  }
  expect(begun).toBeGreaterThanOrEqual(3);
  expect((await stream.finalResponse()).output_text).not.toBe("");
});

test("an upstream's own response goes on in the same way until the upstream sends something of it", async () => {
  const response = { id: "resp_there", object: "response", status: "in_progress", output: [] };
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
  const baseUrl = await startUpstream(async (_incoming, outgoing) => {
    const send = (event: object) => void outgoing.write(`data: ${JSON.stringify(event)}\n\n`);
    outgoing.writeHead(200, { "content-type": "text/event-stream" });
    send({ type: "response.created", sequence_number: 0, response });
    await answered;
    send({ type: "keepalive", sequence_number: 1 });
    await delay(50);
    send({ type: "response.completed", sequence_number: 2, response: { ...response, status: "completed" } });
    outgoing.end();
  });
  const operations = ["createChatCompletion", "createResponse"] as const;
  const { baseUrl: baseURL, keys } = await startGateway({ baseUrls: [baseUrl], operations }, "chat", { limits });
  const events = await readEvents({ baseURL, apiKey: keys.key }, (_, count) => {
    if (count === 4) answer();
  });
  expect(events.map(({ type }) => type)).toEqual([
    "response.created",
    ...events.slice(3).map(() => "response.in_progress"),
    "keepalive",
    "response.completed",
  ]);
  expect(events.length).toBeGreaterThanOrEqual(6);
  expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index));
});
