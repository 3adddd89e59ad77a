import type { ServerResponse } from "node:http";
import { AiError, MODEL_TYPES, listOperations } from "@openai-compat/core";
import { createClonedUpstreamEngine } from "@openai-compat/core/cloned-engine";
import { expect, test } from "vitest";
import {
  createTestEngine,
  API_KEY,
  chunk,
  collectAnswer,
  delta,
  never,
  OUR_MODEL,
  rejection,
  upstreamRequest,
  UPSTREAM_MODEL,
} from "./testing/upstream-calls.ts";
import { findDeadUrl, startRawUpstream, startUpstream } from "./testing/fake-upstream.ts";

const COMPLETION = {
  id: "c",
  object: "chat.completion",
  created: 1,
  model: UPSTREAM_MODEL,
  choices: [{ index: 0, message: { role: "assistant", content: "two words" }, finish_reason: "stop" }],
};
const ROLE = chunk({ choices: [{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }] });
const USAGE = { prompt_tokens: 7, completion_tokens: 2, total_tokens: 9 };

function json(value: unknown, status = 200): (response: ServerResponse) => void {
  return (response) => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
  };
}

test("a non-streaming answer comes back with our model's name and its usage", async () => {
  const { baseUrl } = await startUpstream(json({ ...COMPLETION, usage: USAGE }));
  const result = await collectAnswer(createTestEngine([baseUrl]).forward(upstreamRequest(), never));
  expect(result.contentType).toBe("application/json");
  expect(JSON.parse(result.text)).toEqual({ ...COMPLETION, usage: USAGE, model: OUR_MODEL });
  expect(result.usage).toMatchObject({ inputTokens: 7, outputTokens: 2 });
});

test("behind structured clones a form arrives, an answer comes back, and an error keeps its code and its retry time", async () => {
  const seen: boolean[] = [];
  const { baseUrl } = await startUpstream((response, _request, body) => {
    seen.push(body.includes("RIFF"));
    if (seen.length === 1) json({ text: "heard", duration: 2.5 })(response);
    else response.writeHead(429, { "retry-after": "7" }).end("{}");
  });
  const engine = createClonedUpstreamEngine(createTestEngine([baseUrl]));
  const fields = [
    { name: "file", fileName: "a.wav", contentType: "audio/wav", pieces: [Buffer.from("RI"), Buffer.from("FF")] },
  ];
  const request = upstreamRequest({ operation: "createTranscription", body: { kind: "form", fields } });
  expect((await collectAnswer(engine.forward(request, never))).usage).toMatchObject({ audioMs: 2500 });
  const error = await rejection(collectAnswer(engine.forward(request, never)));
  expect(error).toMatchObject({ name: "AiError", code: "upstream_rate_limited", retryAfterMs: 7000 });
  expect(seen).toEqual([true, true]);
  const gone = new AiError("cancelled", "gone");
  await expect(collectAnswer(engine.forward(request, AbortSignal.abort(gone)))).rejects.toBe(gone);
  expect(engine.upstreams()).toMatchObject([{ index: 0, state: "closed" }]);
});

test("an answer without usage is estimated, and says so", async () => {
  const { baseUrl } = await startUpstream(json(COMPLETION));
  const { usage, text, events } = await collectAnswer(createTestEngine([baseUrl]).forward(upstreamRequest(), never));
  expect(usage).toMatchObject({ inputTokens: 10, outputTokens: 4 });
  expect(events).toMatchObject([{ source: "estimated" }]);
  expect(JSON.parse(text)).toMatchObject({
    usage: { prompt_tokens: 10, completion_tokens: 4, total_tokens: 14 },
  });
});

test("each operation goes to the path that the request names, with our key and no other", async () => {
  const seen: unknown[] = [];
  const { baseUrl } = await startUpstream((response, request, body) => {
    seen.push([request.method, request.url, request.headers.authorization]);
    const choices = [{ message: { content: "x" } }];
    json({ choices, data: [], output: [], input_tokens: 3, text: body.length > 0 ? "x" : "", duration: 1.5 })(response);
  });
  const engine = createTestEngine([baseUrl]);
  const operations = MODEL_TYPES.filter((type) => type !== "speech").flatMap(listOperations);
  const paths = operations.map((operation) => `/of/${operation}`);
  for (const [index, operation] of operations.entries()) {
    await collectAnswer(engine.forward(upstreamRequest({ operation, path: paths[index] ?? "" }), never));
  }
  expect(seen).toEqual(paths.map((path) => ["POST", `/v1${path}`, `Bearer ${API_KEY}`]));
});

test("an upload arrives as a form, and its transcription brings the audio's length", async () => {
  const pieces = [Buffer.from("RI"), Buffer.from("FF")];
  const { baseUrl } = await startUpstream((response, request, body) => {
    const isForm = request.headers["content-type"]?.startsWith("multipart/form-data; boundary=") === true;
    json({ text: isForm && body.includes("RIFF") ? "heard" : "deaf", duration: 2.5 })(response);
  });
  const fields = [{ name: "file", fileName: "a.wav", contentType: "audio/wav", pieces }];
  const request = upstreamRequest({ operation: "createTranscription", body: { kind: "form", fields } });
  const { text, usage } = await collectAnswer(createTestEngine([baseUrl]).forward(request, never));
  expect(JSON.parse(text)).toMatchObject({ text: "heard" });
  expect(usage.audioMs).toBe(2500);
});

test.each(["audio/mpeg", "application/octet-stream"])("speech of type %s passes as it comes", async (contentType) => {
  const operation = "createSpeech";
  const { baseUrl } = await startUpstream((response) => {
    response.writeHead(200, { "content-type": contentType });
    response.write("one ");
    setTimeout(() => response.end("two"), 20);
  });
  const result = await collectAnswer(createTestEngine([baseUrl]).forward(upstreamRequest({ operation }), never));
  expect([result.contentType, result.text]).toEqual([contentType, "one two"]);
  expect(result.events.length).toBe(4);
});

test.each([
  ["createTranscription", "text/plain; charset=utf-8"],
  ["createTranslation", "text/vtt"],
] as const)("%s of type %s keeps its type", async (operation, contentType) => {
  const { baseUrl } = await startUpstream((response) => {
    response.writeHead(200, { "content-type": contentType });
    response.write("one ");
    setTimeout(() => response.end("two"), 20);
  });
  const result = await collectAnswer(createTestEngine([baseUrl]).forward(upstreamRequest({ operation }), never));
  expect([result.contentType, result.text]).toEqual([contentType, "one two"]);
});

test("a stream comes back event by event, and the connection is kept for the next call", async () => {
  const upstream = await startUpstream((response) => {
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
    response.write(ROLE);
    response.write(delta(" two", "stop"));
    response.write(chunk({ choices: [], usage: USAGE }));
    response.end("data: [DONE]\n\n");
  });
  const engine = createTestEngine([upstream.baseUrl]);
  for (let count = 0; count < 3; count += 1) {
    const result = await collectAnswer(engine.forward(upstreamRequest({ stream: true }), never));
    const end = chunk({ choices: [{ index: 0, delta: {}, logprobs: null, finish_reason: "stop" }] });
    const sent = `${ROLE}${delta(" two")}${end}data: [DONE]\n\n`;
    expect(result.text).toBe(sent.replaceAll(UPSTREAM_MODEL, OUR_MODEL));
    expect(result.usage).toMatchObject({ inputTokens: 7, outputTokens: 2 });
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(upstream.connections()).toBe(1);
});

test("a stream that stays open after [DONE] is complete all the same", async () => {
  const { baseUrl } = await startUpstream((response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(`${delta("one", "stop")}data: [DONE]\n\n`);
  });
  const { text } = await collectAnswer(createTestEngine([baseUrl]).forward(upstreamRequest({ stream: true }), never));
  expect(text).toMatch(/data: \[DONE\]\n\n$/);
});

test.each([
  [400, { code: "unsupported_value", param: "temperature" }, { code: "unsupported_value", param: "temperature" }],
  [401, { code: "invalid_api_key" }, { code: "upstream_failed", param: null }],
  [404, { code: "model_not_found" }, { code: "upstream_failed" }],
  [500, {}, { code: "upstream_failed" }],
  [503, {}, { code: "upstream_unavailable", retryAfterMs: 7000 }],
  [429, {}, { code: "upstream_rate_limited", retryAfterMs: 7000 }],
])("an upstream's %i with %o is thrown as %o, and names no secret", async (status, fields, expected) => {
  const upstream = await startUpstream((response, request) => {
    const message = `${UPSTREAM_MODEL} at http://${request.headers.host ?? ""}/v1 or ${request.headers.host ?? ""} refused ${API_KEY}`;
    const body = JSON.stringify({ error: { message, type: "x", param: null, code: null, ...fields } });
    response.writeHead(status, { "content-type": "application/json", "retry-after": "7" }).end(body);
  });
  const thrown = await rejection(collectAnswer(createTestEngine([upstream.baseUrl]).forward(upstreamRequest(), never)));
  if (!(thrown instanceof AiError)) throw thrown;
  expect(thrown).toMatchObject(expected);
  for (const canary of [UPSTREAM_MODEL, "127.0.0.1", String(upstream.port), API_KEY]) {
    expect(thrown.message).not.toContain(canary);
  }
  expect(`${String(thrown.cause)} ${thrown.stack ?? ""}`).not.toContain(API_KEY);
});

test("a redirect is not followed", async () => {
  const other = await startUpstream(json(COMPLETION));
  const { baseUrl } = await startUpstream((response) => {
    response.writeHead(307, { location: `${other.baseUrl}/chat/completions` }).end();
  });
  await expect(collectAnswer(createTestEngine([baseUrl]).forward(upstreamRequest(), never))).rejects.toMatchObject({
    code: "upstream_failed",
  });
  expect(other.connections()).toBe(0);
});

test("a call goes to the next base URL when the first can't be reached", async () => {
  const alive = await startUpstream(json(COMPLETION));
  const engine = createTestEngine([await findDeadUrl(), alive.baseUrl, "http://no-such-host.invalid/v1"]);
  for (let count = 0; count < 4; count += 1) await collectAnswer(engine.forward(upstreamRequest(), never));
});

test("a call of which a byte went out is not repeated", async () => {
  let requests = 0;
  const cut = await startRawUpstream((socket) => {
    requests += 1;
    socket.destroy();
  });
  const other = await startRawUpstream((socket) => {
    requests += 1;
    socket.destroy();
  });
  const engine = createTestEngine([cut.baseUrl, other.baseUrl]);
  await expect(collectAnswer(engine.forward(upstreamRequest(), never))).rejects.toMatchObject({
    code: "upstream_failed",
  });
  expect(requests).toBe(1);
});

test("when no base URL can be reached, each was tried once and the model is unavailable", async () => {
  const engine = createTestEngine([await findDeadUrl(), await findDeadUrl()], { breakerFailuresMax: 1 });
  await expect(collectAnswer(engine.forward(upstreamRequest(), never))).rejects.toMatchObject({
    code: "upstream_unavailable",
  });
  expect(engine.upstreams()).toMatchObject([
    { index: 0, state: "open", running: 0, failures: 1 },
    { index: 1, state: "open", running: 0, failures: 1 },
  ]);
  expect(engine.upstreams().map(({ failovers }) => failovers)).toContain(1);
});

test("a base URL that keeps failing is not used for a while, and the wait is reported", async () => {
  const upstream = await startUpstream(json({}, 500));
  const engine = createTestEngine([upstream.baseUrl], { breakerFailuresMax: 2, breakerOpenMs: 200 });
  for (let count = 0; count < 2; count += 1) await rejection(collectAnswer(engine.forward(upstreamRequest(), never)));
  const refused = await rejection(collectAnswer(engine.forward(upstreamRequest(), never)));
  if (!(refused instanceof AiError)) throw refused;
  expect(refused.code).toBe("upstream_unavailable");
  expect(refused.retryAfterMs).toBeGreaterThan(0);
  expect(refused.retryAfterMs).toBeLessThanOrEqual(200);
  await new Promise((resolve) => setTimeout(resolve, 210));
  await expect(collectAnswer(engine.forward(upstreamRequest(), never)), "the probe").rejects.toMatchObject({
    code: "upstream_failed",
  });
});

test("a missing operation does not open the circuit", async () => {
  const { baseUrl } = await startUpstream((response, request) =>
    request.url?.endsWith("/chat/completions") === true ? json(COMPLETION)(response) : json({}, 501)(response),
  );
  const engine = createTestEngine([baseUrl], { breakerFailuresMax: 1 });
  for (let round = 0; round < 3; round += 1) {
    const request = upstreamRequest({ operation: "createCompletion", path: "/completions" });
    const refused = await rejection(collectAnswer(engine.forward(request, never)));
    expect(refused).toMatchObject({ code: "not_implemented" });
  }
  expect((await collectAnswer(engine.forward(upstreamRequest(), never))).text).toContain("two words");
});

test("callers' mistakes and aborts do not open a circuit", async () => {
  const upstream = await startUpstream((response, _request, body) => {
    if (!body.includes("hang")) json({}, 400)(response);
  });
  const engine = createTestEngine([upstream.baseUrl], { breakerFailuresMax: 1 });
  await rejection(collectAnswer(engine.forward(upstreamRequest(), never)));
  const hanging = upstreamRequest({ body: { kind: "json", value: { messages: "hang" } } });
  await rejection(collectAnswer(engine.forward(hanging, AbortSignal.timeout(50))));
  expect(engine.upstreams()).toEqual([{ index: 0, state: "closed", running: 0, failures: 0, failovers: 0 }]);
});

test("closing waits for running calls", async () => {
  const { baseUrl } = await startUpstream((response) => {
    setTimeout(() => json(COMPLETION)(response), 100);
  });
  const engine = createTestEngine([baseUrl]);
  let isDone = false;
  const call = collectAnswer(engine.forward(upstreamRequest(), never)).then(() => (isDone = true));
  await new Promise((resolve) => setTimeout(resolve, 20));
  await engine.close();
  expect(isDone).toBe(true);
  await call;
  await expect(collectAnswer(engine.forward(upstreamRequest(), never))).rejects.toMatchObject({
    code: "upstream_unavailable",
  });
});

test("a name of the limit that an upstream refuses is not sent to it again, and the call goes through", async () => {
  for (const [refused, message] of [
    [
      "max_tokens",
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
    ],
    ["max_completion_tokens", "body.max_completion_tokens: Extra inputs are not permitted"],
  ] as const) {
    const seen: Record<string, unknown>[] = [];
    const { baseUrl } = await startUpstream((response, _request, body) => {
      const asked: Record<string, unknown> = JSON.parse(body);
      seen.push(asked);
      if (asked[refused] === undefined) json(COMPLETION)(response);
      else json({ error: { message, param: refused === "max_tokens" ? refused : null } }, 400)(response);
    });
    const engine = createTestEngine([baseUrl]);
    for (let count = 0; count < 2; count += 1) {
      await collectAnswer(engine.forward(upstreamRequest({ outputTokensMax: 5 }), never));
    }
    const kept = refused === "max_tokens" ? "max_completion_tokens" : "max_tokens";
    expect(seen.map((body) => [body[refused], body[kept]])).toEqual([
      [5, 5],
      [undefined, 5],
      [undefined, 5],
    ]);
    expect(engine.upstreams()).toMatchObject([{ running: 0, failures: 0 }]);
  }
});

test("a limit that is out of range is the caller's mistake, and nothing is repeated", async () => {
  let requests = 0;
  const { baseUrl } = await startUpstream((response) => {
    requests += 1;
    json({ error: { message: "max_tokens must be at most 4096", param: "max_tokens" } }, 400)(response);
  });
  const call = createTestEngine([baseUrl]).forward(upstreamRequest({ outputTokensMax: 5000 }), never);
  await expect(collectAnswer(call)).rejects.toMatchObject({
    code: "invalid_request",
    message: "max_tokens must be at most 4096",
  });
  expect(requests).toBe(1);
});

test("an error that is the first event of a stream is thrown before any event, with the caller's code", async () => {
  const error = { message: "Too long.", type: "invalid_request_error", code: "context_length_exceeded" };
  const { baseUrl } = await startUpstream((response) => {
    response.writeHead(200, { "content-type": "text/event-stream" }).end(`data: ${JSON.stringify({ error })}\n\n`);
  });
  const answer = createTestEngine([baseUrl]).forward(upstreamRequest({ stream: true }), never);
  const events = answer[Symbol.asyncIterator]();
  await expect(events.next()).rejects.toMatchObject({ code: "context_length_exceeded" });
});
