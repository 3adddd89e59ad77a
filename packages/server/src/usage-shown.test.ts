/**
 * What the line of a stream's request says of its usage: where it comes from, and why the stream carried it or didn't.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import { AiError } from "@openai-compat/core";
import type { ChatEngine } from "@openai-compat/core";
import { expect, onTestFinished, test, vi } from "vitest";
import { startGateway, startUpstream } from "./testing/test-gateway.ts";
import { startTestServer } from "./testing/test-server.ts";
import type { TestServerOptions } from "./testing/test-server.ts";
import { createWatchedEngine } from "./testing/watched-engine.ts";

interface Running {
  readonly baseUrl: string;
  readonly keys: { readonly key: string };
  readonly logLines: readonly string[];
}

async function startLocal(options: TestServerOptions = {}): Promise<Running> {
  const running = await startTestServer(options);
  onTestFinished(() => running.server.close());
  return running;
}

const CHAT = { model: "default", stream: true, messages: [{ role: "user", content: "Hi" }] };
const WITH_USAGE = { ...CHAT, stream_options: { include_usage: true } };

async function post({ baseUrl, keys }: Running, path: string, body: object, signal: AbortSignal | null = null) {
  return fetch(`${baseUrl}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${keys.key}`, "content-type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });
}

/** @returns what the line of the request says, once there is one */
async function readLine({ logLines }: Running) {
  const line = await vi.waitFor(
    () => {
      const found = logLines.find((candidate) => candidate.includes('"message":"request"'));
      if (found === undefined) throw new Error("The request has no line yet.");
      return found;
    },
    { timeout: 20_000 },
  );
  const { usageShown, usageSource, outcome }: Record<string, unknown> = JSON.parse(line);
  return { usageShown, usageSource, outcome };
}

/** @returns the stream, and what the line of its request says */
async function stream(running: Running, body: object, path = "/chat/completions") {
  const response = await post(running, path, body);
  const text = await response.text();
  return { text, line: await readLine(running) };
}

const USAGE = { prompt_tokens: 7, completion_tokens: 2, total_tokens: 9 };

/** An upstream that says one word, and then what `end` does. */
function startTalking(end: (outgoing: ServerResponse) => void) {
  return startUpstream((incoming: IncomingMessage, outgoing: ServerResponse) => {
    incoming.resume();
    outgoing.writeHead(200, { "content-type": "text/event-stream" });
    const choices = [{ index: 0, delta: { content: "Hi" }, finish_reason: null }];
    outgoing.write(`data: ${JSON.stringify({ id: "x", object: "chat.completion.chunk", choices })}\n\n`);
    setImmediate(() => end(outgoing));
  });
}

const finish = (usage: object | undefined) => (outgoing: ServerResponse) => {
  const choices = [{ index: 0, delta: {}, finish_reason: "stop" }];
  outgoing.end(`data: ${JSON.stringify({ choices, usage })}\n\ndata: [DONE]\n\n`);
};

test.each([
  [WITH_USAGE, "shown"],
  [CHAT, "not_requested"],
])("a stream of a local model is measured, and carries its usage on request", async (body, usageShown) => {
  const { text, line } = await stream(await startLocal(), body);
  expect(line).toEqual({ usageShown, usageSource: "measured", outcome: "completed" });
  expect(text.match(/"usage":\{/g) ?? []).toHaveLength(usageShown === "shown" ? 1 : 0);
});

test.each([
  [WITH_USAGE, USAGE, "shown", "reported"],
  [WITH_USAGE, undefined, "shown", "estimated"],
  [CHAT, USAGE, "hidden", "reported"],
  [CHAT, undefined, "not_requested", "estimated"],
] as const)("a stream of an upstream says whose count it is", async (body, usage, usageShown, usageSource) => {
  const gateway = await startGateway({ baseUrls: [await startTalking(finish(usage))] });
  const { text, line } = await stream(gateway, body);
  expect(line).toEqual({ usageShown, usageSource, outcome: "completed" });
  expect(text.match(/"usage":\{/g) ?? []).toHaveLength(usageShown === "shown" ? 1 : 0);
});

test("a stream that its upstream breaks off ends without usage, and is charged by an estimate", async () => {
  const gateway = await startGateway({ baseUrls: [await startTalking((outgoing) => outgoing.destroy())] });
  const { text, line } = await stream(gateway, WITH_USAGE);
  expect(text).toContain('"error"');
  expect(line).toEqual({ usageShown: "upstream_failed", usageSource: "estimated", outcome: "upstream_failed" });
});

test("a stream that fails here ends without usage", async () => {
  const engine: ChatEngine = {
    ...createWatchedEngine(),
    async *generate() {
      yield { type: "generation-start", cachedTokens: 0 };
      yield { type: "text-delta", text: "Hi", completionTokens: 1 };
      throw new AiError("engine_failed", "It broke.");
    },
  };
  const { line } = await stream(await startLocal({ engine }), WITH_USAGE);
  expect(line).toEqual({ usageShown: "failed", usageSource: "measured", outcome: "engine_failed" });
});

test("a stream whose client disconnects ends without usage", async () => {
  const running = await startLocal({ engine: createWatchedEngine() });
  const disconnect = new AbortController();
  const response = await post(running, "/chat/completions", WITH_USAGE, disconnect.signal);
  await response.body?.getReader().read();
  disconnect.abort();
  expect(await readLine(running)).toMatchObject({ usageShown: "client_disconnected" });
});

test.each([
  [{ usage: { type: "tokens", input_tokens: 3, output_tokens: 2, total_tokens: 5 } }, "shown", "reported"],
  [{}, "not_reported", "estimated"],
])("events of audio carry what the upstream puts into them", async (more, usageShown, usageSource) => {
  const baseUrl = await startUpstream((incoming, outgoing) => {
    incoming.resume();
    outgoing.writeHead(200, { "content-type": "text/event-stream" });
    outgoing.end(`data: ${JSON.stringify({ type: "speech.audio.done", ...more })}\n\n`);
  });
  const gateway = await startGateway({ baseUrls: [baseUrl] }, "speech");
  const body = { model: "far", input: "Hi", voice: "a", stream_format: "sse" };
  const { line } = await stream(gateway, body, "/audio/speech");
  expect(line).toEqual({ usageShown, usageSource, outcome: "completed" });
});

test("what is no stream, or was refused before it was one, says nothing of what was shown", async () => {
  const running = await startLocal();
  expect((await stream(running, { ...CHAT, stream: false })).line.usageShown).toBeUndefined();
  const refusing = await startLocal();
  expect((await stream(refusing, { ...WITH_USAGE, model: "nothing" })).line.usageShown).toBeUndefined();
});
