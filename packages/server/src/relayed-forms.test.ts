/** Forms of many kinds of clients over sockets, to an upstream that shows what it got. */

import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { FREE_OF_CHARGE, NO_USAGE } from "@openai-compat/core";
import type { UpstreamEngine, UpstreamEvent, UpstreamRequest } from "@openai-compat/core";
import { errorResponseSchema } from "@openai-compat/spec";
import { expect, onTestFinished, test, vi } from "vitest";
import type { ConfigInput } from "./config.ts";
import { createTranscribingEngine } from "./testing/transcribing-engine.ts";
import { startTestServer } from "./testing/test-server.ts";

const CRLF = "\r\n";
const MODEL = `--B${CRLF}content-disposition: form-data; name="model"${CRLF}${CRLF}scribe${CRLF}`;
const END = `--B--${CRLF}`;
const filePart = (content: string, head = 'name="file"; filename="a.wav"\r\ncontent-type: audio/wav') =>
  `--B${CRLF}content-disposition: form-data; ${head}${CRLF}${CRLF}${content}${CRLF}`;
const fieldPart = (name: string, value: string) =>
  `--B${CRLF}content-disposition: form-data; name="${name}"${CRLF}${CRLF}${value}${CRLF}`;

async function start(config: ConfigInput = {}) {
  const requests: UpstreamRequest[] = [];
  const finished = Promise.withResolvers<void>();
  const engine: UpstreamEngine = {
    ...createTranscribingEngine(),
    async *forward(request, signal) {
      requests.push(request);
      if (request.stream) yield* streamUntil(finished.promise);
      else yield* createTranscribingEngine().forward(request, signal);
    },
  };
  const models = [{ id: "scribe", type: "transcription" as const, isDefault: true, prices: FREE_OF_CHARGE }];
  const { server, baseUrl, keys, logLines } = await startTestServer({ engine, models, config });
  onTestFinished(() => server.close());
  /** Sends a head and then what is written; the answer as its bytes come. */
  const open = (headers: readonly string[], key = keys.key) => {
    const socket = connect(Number(new URL(baseUrl).port), "127.0.0.1");
    onTestFinished(() => void socket.destroy());
    let answer = "";
    socket.setEncoding("utf8").on("data", (text: string) => (answer += text));
    socket.on("error", () => {});
    socket.write(
      [
        "POST /v1/audio/transcriptions HTTP/1.1",
        "host: x",
        "connection: close",
        `authorization: Bearer ${key}`,
        ...headers,
        CRLF,
      ].join(CRLF),
    );
    const untilAnswer = async () => {
      await vi.waitFor(() => expect(answer).toMatch(/^HTTP\/1\.1 [2-5]\d\d [^]*}\s*(?:0\s*)?$/), { timeout: 10_000 });
      return readAnswer(answer);
    };
    return { socket, answer: () => answer, untilAnswer };
  };
  const send = async (body: string, contentType = "multipart/form-data; boundary=B") => {
    const bytes = Buffer.from(body);
    const { socket, untilAnswer } = open([`content-type: ${contentType}`, `content-length: ${bytes.length}`]);
    socket.write(bytes);
    return untilAnswer();
  };
  /** Ends all streams. */
  const finish = () => finished.resolve();
  return { requests, open, send, keys, logLines, baseUrl, finish };
}

async function* streamUntil(end: Promise<void>): AsyncGenerator<UpstreamEvent, void> {
  const facts = { usage: NO_USAGE, source: "measured" } as const;
  yield { type: "upstream-start", contentType: "text/event-stream", droppedParameters: [] };
  yield {
    type: "upstream-data",
    bytes: Buffer.from('data: {"type":"transcript.text.delta","delta":"The"}\n\n'),
    ...facts,
  };
  await end;
  yield {
    type: "upstream-data",
    bytes: Buffer.from('data: {"type":"transcript.text.done","text":"The"}\n\n'),
    ...facts,
  };
  yield { type: "upstream-end", ...facts };
}

function readAnswer(answer: string): { status: number; message: string } {
  const status = Number(/^HTTP\/1\.1 (?!100)(\d+)/m.exec(answer)?.[1]);
  const json = answer.slice(answer.indexOf("{"), answer.lastIndexOf("}") + 1);
  const message = status < 400 ? json : errorResponseSchema.parse(JSON.parse(json)).error.message;
  return { status, message };
}

/** What the upstream was given as the file, and the other fields. */
function readForm(request: UpstreamRequest | undefined): { file: string | null; fileName: string; fields: string[] } {
  const fields = request?.body.kind === "form" ? request.body.fields : [];
  const file = fields.find((field) => "pieces" in field);
  const texts = fields.flatMap((field) => ("value" in field ? [`${field.name}=${field.value}`] : []));
  if (file === undefined || !("pieces" in file)) return { file: null, fileName: "", fields: texts };
  return { file: Buffer.concat(file.pieces).toString("latin1"), fileName: file.fileName, fields: texts };
}

test.each([
  ["the model after the file", filePart("RIFF") + MODEL + END],
  ["no line break at the end", MODEL + filePart("RIFF") + END.trimEnd()],
  ["a preamble and an epilogue", `hello${CRLF}${MODEL}${filePart("RIFF")}${END}and bye`],
  ["no file name", MODEL + filePart("RIFF", 'name="file"\r\ncontent-type: audio/wav') + END],
  ["no file name and no type", MODEL + filePart("RIFF", 'name="file"') + END],
  ["a text type", MODEL + filePart("RIFF", 'name="file"; filename="a"\r\ncontent-type: text/plain') + END],
  ["an encoded file name", MODEL + filePart("RIFF", "name=\"file\"; filename*=UTF-8''%e9%9f%b3.wav") + END],
  ["the file twice", MODEL + filePart("first") + filePart("RIFF") + END],
])("a form with %s is accepted", async (_case, body) => {
  const { send, requests } = await start();
  expect(await send(body)).toMatchObject({ status: 200 });
  const fields = requests[0]?.body.kind === "form" ? requests[0].body.fields : [];
  const file = fields.findLast((field) => "pieces" in field);
  expect(file !== undefined && "pieces" in file ? Buffer.concat(file.pieces).toString() : "").toBe("RIFF");
});

test("a boundary may be quoted, and repeated fields keep their order", async () => {
  const { send, requests } = await start();
  const fields = [
    fieldPart("timestamp_granularities[]", "word"),
    fieldPart("timestamp_granularities[]", "segment"),
    fieldPart("include", "logprobs"),
  ];
  const body = fields[0] + filePart("RIFF") + fields[1] + MODEL + fields[2] + END;
  expect(await send(body, 'multipart/form-data; boundary="B"')).toMatchObject({ status: 200 });
  expect(readForm(requests[0])).toEqual({
    file: "RIFF",
    fileName: "a.wav",
    fields: ["timestamp_granularities[]=word", "timestamp_granularities[]=segment", "model=scribe", "include=logprobs"],
  });
});

test.each([
  ["an empty file", MODEL + filePart("") + END, 400, /file is empty/],
  ["no file", MODEL + END, 400, /'file'/],
  ["no model", filePart("RIFF") + END, 400, /'model'/],
  ["a part without a name", MODEL + filePart("RIFF", "x=y") + END, 400, /with a name/],
  ["nothing at all", "", 400, /boundary/],
  ["no last boundary", MODEL + filePart("RIFF"), 400, /ends before its last boundary/],
  ["lines of LF alone", (MODEL + filePart("RIFF") + END).replaceAll(CRLF, "\n"), 400, /CR and LF/],
  ["too many parts", fieldPart("x", "1").repeat(101) + END, 400, /more than 100 parts/],
  ["a long head", filePart("RIFF", `name="file"; filename="a"\r\nx: ${"x".repeat(20_000)}`), 400, /16384 bytes/],
  ["a file beyond the limit", MODEL + filePart("x".repeat(10_000)) + END, 413, /larger than this server accepts/],
])("a form with %s is refused by name", async (_case, body, status, reason) => {
  const { send, requests } = await start({ limits: { bodyBytesMax: status === 413 ? 5000 : 50_000 } });
  const answer = await send(body);
  expect(answer).toEqual({ status, message: expect.stringMatching(reason) });
  expect(requests).toEqual([]);
});

test("without a length a form is read in the chunks that come, and refused with the first byte too many", async () => {
  const { open, requests } = await start({ limits: { bodyBytesMax: 5000 } });
  const head = ["content-type: multipart/form-data; boundary=B", "transfer-encoding: chunked"];
  const frame = (text: string) => `${Buffer.byteLength(text).toString(16)}${CRLF}${text}${CRLF}`;
  const good = open(head);
  for (const part of [filePart("RIFF"), MODEL, END]) {
    for (const text of part.match(/[^]{1,11}/g) ?? []) good.socket.write(frame(text));
  }
  good.socket.write(frame("").trimEnd() + CRLF + CRLF);
  expect(await good.untilAnswer()).toMatchObject({ status: 200 });
  expect(readForm(requests[0])).toMatchObject({ file: "RIFF", fields: ["model=scribe"] });
  const large = open(head);
  large.socket.write(frame(MODEL + filePart("x".repeat(5000))));
  expect(await large.untilAnswer()).toMatchObject({ status: 413 });
});

test("a mistake is refused when it arrives, while the client still sends", async () => {
  const { open } = await start();
  const { socket, untilAnswer } = open(["content-type: multipart/form-data; boundary=B", "content-length: 30000000"]);
  socket.write(`${MODEL}--B${CRLF}: no name${CRLF}${CRLF}`);
  // Small pieces are put together before they are read.
  socket.write("x".repeat(100_000));
  expect(await untilAnswer()).toEqual({ status: 400, message: expect.stringMatching(/malformed header/) });
});

test("a client that stalls in the middle of a file gets 408, and one that disconnects leaves nothing behind", async () => {
  const { open, send, logLines } = await start({ limits: { bodyStallTimeoutMs: 200 } });
  const head = ["content-type: multipart/form-data; boundary=B", "content-length: 30000000"];
  const begun = MODEL + filePart("x".repeat(100_000));
  const stalled = open(head);
  stalled.socket.write(begun);
  expect(await stalled.untilAnswer()).toMatchObject({ status: 408 });
  const gone = open(head);
  gone.socket.write(begun);
  await delay(20);
  gone.socket.destroy();
  expect(await send(MODEL + filePart("RIFF") + END)).toMatchObject({ status: 200 });
  expect(logLines.filter((line) => line.includes('"error"'))).toEqual([]);
});

test("a file counts among the bodies in memory until its stream has ended", async () => {
  const { open, send, requests, finish } = await start({
    limits: { bodyBytesMax: 100_000, accountBodiesBytesMax: 150_000, smallBodyBytesMax: 1000 },
  });
  const body = MODEL + fieldPart("stream", "true") + filePart("x".repeat(90_000)) + END;
  const { socket, answer } = open(["content-type: multipart/form-data; boundary=B", `content-length: ${body.length}`]);
  socket.write(body);
  await vi.waitFor(() => expect(answer()).toMatch(/^HTTP\/1\.1 200 [^]*text\/event-stream/));
  const large = MODEL + filePart("x".repeat(90_000)) + END;
  expect(await send(large)).toMatchObject({ status: 429 });
  expect(await send(MODEL + filePart("RIFF") + END)).toMatchObject({ status: 200 });
  finish();
  await vi.waitFor(() => expect(answer()).toContain("transcript.text.done"));
  await vi.waitFor(async () => expect(await send(large)).toMatchObject({ status: 200 }), { timeout: 10_000 });
  expect(requests).toHaveLength(3);
});

test("the credential is checked before a form is asked for", async () => {
  const { open, keys } = await start();
  const head = ["content-type: multipart/form-data; boundary=B", "content-length: 100", "expect: 100-continue"];
  const refused = open(head, "sk-wrong");
  expect(await refused.untilAnswer()).toMatchObject({ status: 401 });
  expect(refused.answer()).not.toContain("100 Continue");
  const asked = open(head, keys.key);
  await vi.waitFor(() => expect(asked.answer()).toContain("100 Continue"));
});

test("a file of 25 MB is in memory once while it is passed on", async () => {
  const { baseUrl, keys, requests } = await start();
  const bytes = Buffer.alloc(25_000_000, "0123456789");
  const form = new FormData();
  form.append("file", new Blob([bytes]), "long.mp3");
  form.append("model", "scribe");
  const response = await fetch(`${baseUrl}/audio/transcriptions`, {
    method: "POST",
    body: form,
    headers: { authorization: `Bearer ${keys.key}` },
  });
  expect(response.status).toBe(200);
  const fields = requests[0]?.body.kind === "form" ? requests[0].body.fields : [];
  const pieces = fields.flatMap((field) => ("pieces" in field ? field.pieces : []));
  expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
  const held = [...new Set(pieces.map(({ buffer }) => buffer))].reduce((sum, { byteLength }) => sum + byteLength, 0);
  expect(held).toBeLessThan(1.02 * bytes.length);
});
