/** What the client does with answers of all kinds: streams, bytes, errors, silence; and with forms. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ClientError, createClient } from "../index.ts";
import type { ClientOptions, Stream, Upload } from "../index.ts";
import { answerJson, answerStream, startMockServer } from "../testing/mock-server.ts";
import type { Answer, StreamPiece } from "../testing/mock-server.ts";

const messages = [{ role: "user" as const, content: "Hi." }];
const chat = { model: "m", messages };
const SPEECH = { model: "m", input: "Hi.", voice: "alloy" };
const KEY = "sk-canary-of-a-key";

function encodeChunk(content: string): string {
  const choices = [{ index: 0, delta: { content }, finish_reason: null }];
  return `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices })}\n\n`;
}

function createV1(baseURL: string, options: Partial<ClientOptions> = {}) {
  return createClient({ baseURL, token: KEY, retry: { attempts: 1 }, ...options }).v1;
}

async function read<Event>(stream: Stream<Event>): Promise<{ events: Event[]; error: unknown }> {
  const events: Event[] = [];
  try {
    for await (const event of stream) events.push(event);
  } catch (error) {
    return { events, error };
  }
  return { events, error: null };
}

async function readChat(...pieces: readonly StreamPiece[]) {
  const { baseURL } = await startMockServer(answerStream(...pieces));
  return read(await createV1(baseURL).createChatCompletion({ ...chat, stream: true }));
}

test("a stream may begin with a byte order mark and be cut within a character", async () => {
  const bytes = new TextEncoder().encode(`\uFEFF: keep-alive\n\n${encodeChunk("é €")}`);
  const at = bytes.indexOf(0xe2) + 1;
  const { events, error } = await readChat(bytes.subarray(0, at), bytes.subarray(at), "data: [DONE]");
  expect(error).toBeNull();
  expect(events.map(({ choices }) => choices[0]?.delta.content)).toEqual(["é €"]);
});

test("a stream that breaks off or ends without its last event is an error, after all that came", async () => {
  for (const [ending, code] of [
    ["", "stream_truncated"],
    [null, "connection"],
    ['data: {"id"', "stream_truncated"],
  ] as const) {
    const { events, error } = await readChat(encodeChunk("a"), ending);
    expect(events).toHaveLength(1);
    expect(error).toMatchObject({ kind: "connection", code, retryable: true });
  }
});

test("an error in a stream is thrown as the server's", async () => {
  const envelope = { error: { message: "Too slow.", type: "server_error", code: "timeout", param: null } };
  for (const event of [
    `data: ${JSON.stringify(envelope)}\n\n`,
    `event: error\ndata: ${JSON.stringify(envelope.error)}\n\n`,
  ]) {
    const { events, error } = await readChat(encodeChunk("a"), event, "data: [DONE]\n\n");
    expect(events).toHaveLength(1);
    expect(error).toMatchObject({ kind: "api", code: "timeout", message: "Too slow.", requestId: "req_stream" });
  }
});

test("an event of another shape or without JSON is an invalid answer", async () => {
  const wrong = await readChat(encodeChunk("a"), 'data: {"id":"c","choices":"none"}\n\n', "data: [DONE]\n\n");
  expect(wrong.events).toHaveLength(1);
  expect(wrong.error).toMatchObject({ kind: "invalid-response", param: "choices", status: 200 });
  expect((await readChat("data: {\n\n")).error).toMatchObject({ kind: "invalid-response" });
});

test("streams of audio end with their last event, without [DONE]", async () => {
  const delta = 'data: {"type":"speech.audio.delta","audio":"AAAA"}\n\n';
  const done = 'data: {"type":"speech.audio.done","usage":{"input_tokens":1,"output_tokens":1,"total_tokens":2}}\n\n';
  const { baseURL } = await startMockServer(answerStream(delta, done), answerStream(delta));
  const v1 = createV1(baseURL);
  const whole = await read(await v1.createSpeech({ ...SPEECH, stream_format: "sse" }));
  expect([whole.events.map(({ type }) => type), whole.error]).toEqual([
    ["speech.audio.delta", "speech.audio.done"],
    null,
  ]);
  const cut = await read(await v1.createSpeech({ ...SPEECH, stream_format: "sse" }));
  expect(cut.error).toMatchObject({ code: "stream_truncated" });
});

test("leaving the loop and abort() both end the call at the server", async () => {
  let closed = 0;
  const endless: Answer = (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(encodeChunk("a"));
    response.on("close", () => (closed += 1));
  };
  const { baseURL } = await startMockServer(endless);
  const v1 = createV1(baseURL);
  for await (const event of await v1.createChatCompletion({ ...chat, stream: true })) {
    expect(event.id).toBe("c");
    break;
  }
  await expect.poll(() => closed, { timeout: 20_000 }).toBe(1);
  const stream = await v1.createChatCompletion({ ...chat, stream: true });
  setTimeout(() => stream.abort(), 20);
  expect((await read(stream)).error).toMatchObject({ kind: "aborted" });
  await expect.poll(() => closed, { timeout: 20_000 }).toBe(2);
  expect(() => stream[Symbol.asyncIterator]()).toThrow(ClientError);
});

test("silence longer than timeoutMs ends a call, in an answer's head, its body and a stream", async () => {
  const silent: Answer = () => {};
  const halfway: typeof silent = (response) =>
    void response.writeHead(200, { "content-type": "application/json" }).write("{");
  const stalled: typeof silent = (response) =>
    void response.writeHead(200, { "content-type": "text/event-stream" }).write(encodeChunk("a"));
  const { baseURL } = await startMockServer(silent, halfway, stalled);
  const v1 = createV1(baseURL, { timeoutMs: 100 });
  await expect(v1.listModels()).rejects.toMatchObject({ kind: "timeout", retryable: true });
  await expect(v1.listModels()).rejects.toMatchObject({ kind: "timeout" });
  const { events, error } = await read(await v1.createChatCompletion({ ...chat, stream: true }));
  expect(events).toHaveLength(1);
  expect(error).toMatchObject({ kind: "timeout" });
});

test("an aborted signal ends a call before and while it runs", async () => {
  const { baseURL, requests } = await startMockServer(() => {});
  const aborted = createV1(baseURL).listModels({}, { signal: AbortSignal.abort() });
  await expect(aborted).rejects.toMatchObject({ kind: "aborted" });
  const controller = new AbortController();
  const running = createV1(baseURL).listModels({}, { signal: controller.signal });
  setTimeout(() => controller.abort(), 50);
  await expect(running).rejects.toMatchObject({ kind: "aborted", retryable: false });
  expect(requests.length).toBeLessThanOrEqual(1);
});

test("an answer of another type than asked for is an invalid one, and says what came", async () => {
  const page: Answer = (response) =>
    void response.writeHead(200, { "content-type": "text/html" }).end("<h1>Welcome</h1>");
  const { baseURL } = await startMockServer(page);
  const v1 = createV1(baseURL);
  const expected = { kind: "invalid-response", message: expect.stringContaining("<h1>Welcome</h1>") };
  await expect(v1.listModels()).rejects.toMatchObject(expected);
  await expect(v1.createChatCompletion({ ...chat, stream: true })).rejects.toMatchObject(expected);
  await expect(v1.createSpeech(SPEECH)).rejects.toMatchObject(expected);
});

test("no error holds the credential, wherever it would come from", async () => {
  const echo = answerJson({ error: { message: `The key ${KEY} is wrong.` } }, 401);
  const { baseURL } = await startMockServer(echo);
  const failing = createV1(baseURL, {
    fetch: async (_url, init) => {
      throw new TypeError(`can't send ${JSON.stringify(init.headers)}`);
    },
  });
  const errors = await Promise.all(
    [createV1(baseURL), failing, createV1(baseURL, { token: `${KEY}\n` })].map(async (v1) =>
      v1.listModels().catch((error: unknown) => error),
    ),
  );
  for (const error of errors) {
    expect(error).toBeInstanceOf(ClientError);
    const { message, cause, stack } = error as ClientError;
    expect(`${message} ${String(cause)} ${stack} ${JSON.stringify(error)}`).not.toContain(KEY);
  }
});

test("bytes come as a stream or as a whole", async () => {
  const bytes = Buffer.alloc(300_000, 7);
  const { baseURL } = await startMockServer(
    (response) => void response.writeHead(200, { "content-type": "audio/mpeg" }).end(bytes),
  );
  const v1 = createV1(baseURL);
  const whole = await v1.createSpeech(SPEECH);
  expect(whole.contentType).toBe("audio/mpeg");
  expect(Buffer.from(await whole.arrayBuffer()).equals(bytes)).toBe(true);
  let length = 0;
  for await (const piece of (await v1.createSpeech(SPEECH)).stream) length += piece.length;
  expect(length).toBe(bytes.length);
});

test("a file may come from anywhere, and a form is spelt as the official SDKs spell it", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "client-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, "speech.wav");
  writeFileSync(file, "sound");
  const { baseURL, requests } = await startMockServer(answerJson({ text: "Hi." }));
  const v1 = createV1(baseURL);
  const uploads: readonly (readonly [Upload, string])[] = [
    [new File(["sound"], "a.mp3"), "a.mp3"],
    [new Blob(["sound"]), "file"],
    [Buffer.from("sound"), "file"],
    [new TextEncoder().encode("sound"), "file"],
    [{ data: Buffer.from("sound"), name: "b.ogg" }, "b.ogg"],
    [{ path: file }, "speech.wav"],
  ];
  for (const [upload, name] of uploads) {
    await v1.createTranscription({
      model: "m",
      file: upload,
      temperature: 0.5,
      timestamp_granularities: ["word", "segment"],
      chunking_strategy: { type: "server_vad", threshold: 0.5 },
    });
    const seen = requests.at(-1);
    const type = seen?.headers["content-type"] ?? "";
    const form = await new Response(new Uint8Array(seen?.body ?? []), { headers: { "content-type": type } }).formData();
    const sent = form.get("file") as File;
    expect([sent.name, await sent.text()]).toEqual([name, "sound"]);
    expect(form.getAll("timestamp_granularities[]")).toEqual(["word", "segment"]);
    expect(form.get("chunking_strategy[threshold]")).toBe("0.5");
    expect(form.get("temperature")).toBe("0.5");
  }
  await expect(v1.createTranscription({ model: "m", file: { path: "/nowhere/speech.wav" } })).rejects.toMatchObject({
    kind: "invalid-request",
    code: "file_unreadable",
  });
});

test("fields that the specification doesn't know are sent when they are named as such", async () => {
  const { baseURL, requests } = await startMockServer(answerJson({}));
  await createV1(baseURL, { validate: false }).createChatCompletion(chat, {
    extraBody: { top_k: 3 },
    headers: { "x-a": "b" },
  });
  expect(JSON.parse(requests[0]?.body.toString() ?? "")).toEqual({ ...chat, top_k: 3 });
  expect(requests[0]?.headers["x-a"]).toBe("b");
});

test("a parameter of the path can't name another path", async () => {
  const { baseURL, requests } = await startMockServer(
    answerJson({ id: "a/b", object: "model", created: 1, owned_by: "x" }),
  );
  const v1 = createV1(baseURL);
  for (const model of ["", ".", ".."]) {
    await expect(v1.retrieveModel({ model })).rejects.toMatchObject({ kind: "invalid-request", param: "model" });
  }
  await v1.retrieveModel({ model: "a/b?c" });
  expect(requests.map(({ url }) => url)).toEqual(["/v1/models/a%2Fb%3Fc"]);
});
