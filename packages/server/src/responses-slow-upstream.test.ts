/** Responses of models of upstreams that are slow, silent or cut, over chat completions and over their own responses. */

import type { ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import type { ConfigInput } from "./config.ts";
import { readBody, startGateway, startUpstream } from "./testing/test-gateway.ts";

const request = { model: "far", input: "Tell me about the sea.", temperature: 0 };

interface Wire {
  readonly type: string;
  readonly sequence_number: number;
  readonly response?: {
    readonly id: string;
    readonly model: string;
    readonly error: unknown;
    readonly output: unknown;
  };
}

const encode = (data: object) => `data: ${JSON.stringify(data)}\n\n`;

const chunk = (delta: object, finish_reason: string | null = null) =>
  encode({
    id: "chatcmpl-1",
    object: "chat.completion.chunk",
    created: 1,
    model: "there",
    choices: [{ index: 0, delta, finish_reason }],
  });
const bridged = {
  operations: ["createChatCompletion"],
  begun: chunk({ role: "assistant", content: "Deep blue." }),
  ended:
    chunk({}, "stop") +
    encode({
      object: "chat.completion.chunk",
      choices: [],
      usage: { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 },
    }) +
    "data: [DONE]\n\n",
  whole: {
    object: "chat.completion",
    choices: [{ index: 0, message: { role: "assistant", content: "Deep blue." }, finish_reason: "stop" }],
    usage: { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 },
  },
} as const;

const part = { type: "output_text", text: "Deep blue.", annotations: [], logprobs: [] };
const item = { id: "msg_there", type: "message", role: "assistant", status: "completed", content: [part] };
const response = {
  id: "resp_there",
  object: "response",
  created_at: 1,
  model: "there",
  status: "in_progress",
  output: [],
};
const finished = {
  ...response,
  status: "completed",
  output: [item],
  usage: { input_tokens: 9, output_tokens: 4, total_tokens: 13 },
};
const place = { item_id: "msg_there", output_index: 0, content_index: 0 };
const native = {
  operations: ["createChatCompletion", "createResponse"],
  begun: [
    { type: "response.created", response },
    { type: "response.output_item.added", output_index: 0, item: { ...item, status: "in_progress", content: [] } },
    { type: "response.output_text.delta", ...place, delta: "Deep blue.", logprobs: [] },
  ]
    .map(encode)
    .join(""),
  ended: [
    { type: "response.output_item.done", output_index: 0, item },
    { type: "response.completed", response: finished },
  ]
    .map(encode)
    .join(""),
  whole: finished,
} as const;

const MODES = [
  ["bridged", bridged],
  ["native", native],
] as const;
type Mode = (typeof MODES)[number][1];

interface SlowOptions {
  readonly mode: Mode;
  readonly answer: (outgoing: ServerResponse) => void | Promise<void>;
  readonly limits?: ConfigInput["limits"];
}

async function startSlow({ mode, answer, limits = {} }: SlowOptions) {
  const asked: unknown[] = [];
  const baseUrl = await startUpstream(async (incoming, outgoing) => {
    asked.push(JSON.parse(await readBody(incoming)));
    await answer(outgoing);
  });
  const { operations } = mode;
  const timeouts = { firstByteTimeoutMs: 300, stallTimeoutMs: 300 };
  const gateway = await startGateway({ baseUrls: [baseUrl], operations, ...timeouts }, "chat", { limits });
  const post = (body: object) =>
    fetch(`${gateway.baseUrl}/responses`, {
      method: "POST",
      headers: { authorization: `Bearer ${gateway.keys.key}`, "content-type": "application/json" },
      body: JSON.stringify({ ...request, ...body }),
    });
  const held = async () => (await gateway.stores.credits.readBalance("ada")).held;
  return { ...gateway, post, asked, held };
}

function beginStream(outgoing: ServerResponse): void {
  outgoing.writeHead(200, { "content-type": "text/event-stream" });
  outgoing.flushHeaders();
}

async function readEvents(answer: Response): Promise<readonly Wire[]> {
  const lines = (await answer.text()).split("\n");
  const events = lines.flatMap((line) => (line.startsWith("data: ") ? [JSON.parse(line.slice(6)) as Wire] : []));
  expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index));
  return events;
}

const listTypes = (events: readonly Wire[]) => [...new Set(events.map(({ type }) => type.replace("response.", "")))];

test.each(MODES)("%s: no byte in time is a 503 that says not to try again, and costs nothing", async (_name, mode) => {
  for (const stream of [false, true]) {
    const { post, usage, held, asked } = await startSlow({ mode, answer: () => {} });
    const answer = await post({ stream });
    expect([answer.status, answer.headers.get("x-should-retry")]).toEqual([503, "false"]);
    expect(await answer.json()).toMatchObject({ error: { code: "upstream_timeout", type: "server_error" } });
    expect([asked.length, await usage(), await held()]).toEqual([1, [], 0]);
  }
});

test.each(MODES)("%s: a head without a body is no answer either", async (_name, mode) => {
  for (const stream of [false, true]) {
    const { post, usage, held } = await startSlow({ mode, answer: beginStream });
    expect((await post({ stream })).status).toBe(503);
    expect([await usage(), await held()]).toEqual([[], 0]);
  }
});

test.each(MODES)("%s: while nothing comes, events say that the response waits; then it fails", async (_name, mode) => {
  const limits = { streamHeadersAfterMs: 10, streamKeepAliveMs: 20 };
  const { post, usage, held } = await startSlow({ mode, answer: () => {}, limits });
  const answer = await post({ stream: true });
  expect(answer.status).toBe(200);
  const events = await readEvents(answer);
  expect(listTypes(events)).toEqual(["created", "queued", "failed"]);
  expect(events.length).toBeGreaterThan(4);
  expect(new Set(events.map((event) => `${event.response?.id} ${event.response?.model}`)).size).toBe(1);
  expect(events.at(-1)?.response).toMatchObject({ status: "failed", model: "far", error: { code: "server_error" } });
  expect([await usage(), await held()]).toEqual([[], 0]);
});

test.each(MODES)("%s: a late answer goes on from the events that said that it waits", async (_name, mode) => {
  const { post, usage } = await startSlow({
    mode,
    limits: { streamHeadersAfterMs: 10, streamKeepAliveMs: 20 },
    async answer(outgoing) {
      await delay(100);
      beginStream(outgoing);
      outgoing.end(mode.begun + mode.ended);
    },
  });
  const events = await readEvents(await post({ stream: true }));
  expect(listTypes(events).slice(0, 3)).toEqual(["created", "queued", "in_progress"]);
  expect(events.at(-1)).toMatchObject({ type: "response.completed", response: { output: [{ content: [part] }] } });
  await vi.waitFor(async () => expect(await usage()).toMatchObject([{ amount: -13 }]));
});

test.each(MODES)("%s: an answer that drips is as good as one in one piece", async (_name, mode) => {
  const { post, usage } = await startSlow({
    mode,
    async answer(outgoing) {
      beginStream(outgoing);
      for (const piece of (mode.begun + mode.ended).match(/[^]{1,40}/g) ?? []) {
        outgoing.write(piece);
        await delay(2);
      }
      outgoing.end();
    },
  });
  const events = await readEvents(await post({ stream: true }));
  expect(events.at(-1)).toMatchObject({ type: "response.completed", response: { output: [{ content: [part] }] } });
  await vi.waitFor(async () => expect(await usage()).toMatchObject([{ amount: -13 }]));
});

test.each(MODES)(
  "%s: what stalls in the middle fails after the stall, is paid for and not kept",
  async (_name, mode) => {
    const { post, usage, held } = await startSlow({
      mode,
      answer(outgoing) {
        beginStream(outgoing);
        outgoing.write(mode.begun);
      },
    });
    const events = await readEvents(await post({ stream: true }));
    const last = events.at(-1);
    expect(last).toMatchObject({
      type: "response.failed",
      response: { status: "failed", error: { code: "server_error" } },
    });
    expect(events.map(({ type }) => type)).toContain("response.output_text.delta");
    await vi.waitFor(async () => expect(await usage()).toHaveLength(1));
    const [entry] = await usage();
    expect(entry?.units.inputTokens).toBeGreaterThan(0);
    expect(entry?.units.outputTokens).toBe(3);
    expect(await held()).toBe(0);
    expect((await post({ previous_response_id: last?.response?.id })).status).toBe(404);
  },
);

test.each(MODES)("%s: a whole answer that stalls is a 503, and costs nothing", async (_name, mode) => {
  const { post, usage, held } = await startSlow({
    mode,
    answer(outgoing) {
      outgoing.writeHead(200, { "content-type": "application/json" });
      outgoing.write(JSON.stringify(mode.whole).slice(0, 60));
    },
  });
  const answer = await post({});
  expect([answer.status, await answer.json()]).toMatchObject([503, { error: { code: "upstream_timeout" } }]);
  expect([await usage(), await held()]).toEqual([[], 0]);
});

test.each(MODES)(
  "%s: an upstream that sends nothing but comments is given up when the call's time is over",
  async (_name, mode) => {
    const { post, usage, held } = await startSlow({
      mode,
      limits: { callTimeMsMax: 400, streamHeadersAfterMs: 10, streamKeepAliveMs: 50 },
      async answer(outgoing) {
        beginStream(outgoing);
        while (!outgoing.destroyed) {
          outgoing.write(": ping\n\n");
          await delay(20);
        }
      },
    });
    const events = await readEvents(await post({ stream: true }));
    expect(events.at(-1)).toMatchObject({ type: "response.failed", response: { error: { code: "server_error" } } });
    await vi.waitFor(async () => expect(await held()).toBe(0));
    expect(await usage()).toHaveLength(1);
  },
);

test.each(MODES)("%s: what is cut before its first event is no stream", async (_name, mode) => {
  const { post, usage, held } = await startSlow({
    mode,
    async answer(outgoing) {
      beginStream(outgoing);
      await delay(20);
      outgoing.destroy();
    },
  });
  const answer = await post({ stream: true });
  expect([answer.status, await answer.json()]).toMatchObject([500, { error: { code: "upstream_failed" } }]);
  expect([await usage(), await held()]).toEqual([[], 0]);
});
