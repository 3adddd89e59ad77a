/**
 * What a streamed answer of an upstream is normalised to, row by row as in docs/relayed-answers.md: each row whole and
 * cut into single bytes.
 */

import { describe, expect, test } from "vitest";
import { gzipSync } from "node:zlib";
import type { UpstreamRequest } from "@openai-compat/core";
import {
  BASE,
  OURS,
  WHOLE,
  USAGE,
  SSE,
  JSON_TYPE,
  say,
  ours,
  ROLE,
  HI,
  STOP,
  REPORT,
  GOOD,
  stream,
  done,
  both,
  endWith,
  withIndex,
  call,
} from "./testing/answer-samples.ts";
import type { Json } from "./testing/answer-samples.ts";
import { STREAM_ROWS } from "./testing/stream-rows.ts";
import { collectAnswer, rejection } from "./testing/upstream-calls.ts";
import { streamBytes } from "./testing/stream-bytes.ts";

/** @returns the data of all events, parsed; the last one has to be `[DONE]` */
async function streamed(
  body: string | Uint8Array,
  isCut: boolean,
  request: Partial<UpstreamRequest> = {},
  headers: Json = SSE,
) {
  const answer = {
    body,
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
  };
  const { text } = await collectAnswer(streamBytes(answer, { isCut, request: { stream: true, ...request } }));
  const frames = text.split("\n\n");
  expect(frames.slice(-2)).toEqual(["data: [DONE]", ""]);
  return frames.slice(0, -2).map((event): unknown => JSON.parse(event.slice("data: ".length)));
}

describe.each(both)("a stream (cut into bytes: %s)", (isCut) => {
  test.each(Object.entries(STREAM_ROWS))(
    "with %s is sent as OpenAI sends it",
    async (_name, { chunks, sent, request }) => {
      expect(await streamed(done(...chunks), isCut, request)).toEqual(sent);
    },
  );

  test("without its [DONE] gets one, and nothing comes after", async () => {
    expect(await streamed(stream(...GOOD), isCut)).toEqual(GOOD.map(ours));
    expect(await streamed(done(...GOOD) + stream(HI), isCut)).toEqual(GOOD.map(ours));
  });

  test("that is done without a finish reason gets one", async () => {
    expect(await streamed(done(ROLE, HI), isCut)).toEqual(
      [ROLE, HI, { ...BASE, choices: [{ index: 0, delta: {}, logprobs: null, finish_reason: "stop" }] }].map(ours),
    );
  });

  test.each([
    ["ends without a finish reason", stream(ROLE, HI)],
    ["is empty", ""],
    ["holds nothing but its end", done()],
    ["says that it failed", done(ROLE, HI, say({}, "error"))],
  ])("that %s is an error", async (_how, body) => {
    await expect(streamed(body, isCut)).rejects.toMatchObject({ code: "upstream_failed" });
  });

  test("of fewer answers than were requested is an error that names the parameter", async () => {
    const request = { body: { kind: "json", value: { n: 2 } } } as const;
    await expect(streamed(done(...GOOD), isCut, request)).rejects.toMatchObject({
      code: "unsupported_parameter",
      param: "n",
    });
  });

  test("in another framing is the same", async () => {
    const framed = `\uFEFF: hello\r\n\r\nevent: ping\r\ndata: {}\r\n\r\n${GOOD.map(
      (chunk, count) =>
        `id: ${count}\r\nevent: chunk\r\nretry: 9\r\ndata:${JSON.stringify(chunk)}\r\n\r\n: ping\r\n\r\n`,
    ).join("")}data: [DONE] \r\n\r\n`;
    expect(await streamed(framed, isCut)).toEqual(GOOD.map(ours));
  });

  test("in another charset or none is the same", async () => {
    const sea = say({ content: "Grüße, 海" });
    expect(await streamed(done(ROLE, sea, STOP), isCut, {}, {})).toEqual([ROLE, sea, STOP].map(ours));
    const utf16 = Buffer.from(done(ROLE, sea, STOP), "utf16le");
    const type = { "content-type": "text/event-stream; charset=UTF-16LE" };
    expect(await streamed(utf16, isCut, {}, type)).toEqual([ROLE, sea, STOP].map(ours));
    const latin = Buffer.from(done(ROLE, say({ content: "Grüße" }), STOP), "latin1");
    const latinType = { "content-type": "text/event-stream; charset=ISO-8859-1" };
    expect(await streamed(latin, isCut, {}, latinType)).toEqual([ROLE, say({ content: "Grüße" }), STOP].map(ours));
  });

  test("that is sent as JSON or HTML, by its head, is the same", async () => {
    for (const type of ["application/json", "text/plain", "application/octet-stream"]) {
      expect(await streamed(done(...GOOD), isCut, {}, { "content-type": type })).toEqual(GOOD.map(ours));
    }
  });

  test("in whose place an answer in one piece comes is made of it", async () => {
    const message = { role: "assistant", content: "Hi", tool_calls: [call({ id: "a" }, "f", {})] };
    const answer = { ...WHOLE, choices: [{ index: 0, message, finish_reason: "stop" }], usage: USAGE };
    const tools = [call({ index: 0, id: "a", type: "function" }, "f", "{}")];
    expect(await streamed(JSON.stringify(answer), isCut, { includeUsage: true }, JSON_TYPE)).toEqual([
      { ...ours(say({ role: "assistant", content: "Hi", tool_calls: tools })), usage: null },
      { ...ours(endWith("tool_calls")), usage: null },
      ours(REPORT),
    ]);
  });

  test.each([
    ["an envelope", { error: { message: "too hot", type: "invalid_request_error", code: "invalid_value" } }],
    ["a text", { error: "too hot", status: 400 }],
    ["an envelope in an event", { type: "error", error: { message: "too hot", code: 400 } }],
    ["an object that is flat", { object: "error", message: "too hot", code: 400 }],
    ["a message", { message: "too hot", code: 400 }],
    ["FastAPI's detail", { detail: "too hot", status: 400 }],
    ["a list", [{ error: { message: "too hot", code: 400 } }]],
  ])("in whose place %s comes fails with that error", async (_what, error) => {
    for (const body of [stream(error), `event: error\n${stream(error)}`, JSON.stringify(error)]) {
      if (Array.isArray(error) && body.startsWith("data:")) continue;
      const thrown = await rejection(streamed(body, isCut));
      expect(thrown).toMatchObject({ message: "too hot" });
    }
  });

  test("that ends with words of an error is an error", async () => {
    await expect(streamed(`${stream(ROLE, HI)}event: error\ndata: out of memory\n\n`, isCut)).rejects.toMatchObject({
      code: "upstream_failed",
    });
  });

  test("that is compressed is read as it comes", async () => {
    const headers = { ...SSE, "content-encoding": "gzip" };
    expect(await streamed(gzipSync(done(...GOOD)), isCut, {}, headers)).toEqual(GOOD.map(ours));
  });

  test("of a completion has texts, log probabilities and an end", async () => {
    const piece = (fields: Json) => ({ ...BASE, choices: [fields] });
    const sent = (text: string, reason: string | null) => ({
      ...OURS,
      object: "text_completion",
      choices: [{ index: 0, text, logprobs: null, finish_reason: reason }],
    });
    const chunks = [piece({ text: "Hi" }), piece({ text: null }), piece({ index: 0, text: "", finish_reason: "eos" })];
    expect(await streamed(done(...chunks), isCut, { operation: "createCompletion" })).toEqual([
      sent("Hi", null),
      sent("", null),
      sent("", "stop"),
    ]);
    const deltas = [
      piece({ index: 0, delta: { content: "Hi" } }),
      piece({ index: 0, text: "", finish_reason: "stop" }),
    ];
    expect(await streamed(done(...deltas), isCut, { operation: "createCompletion" })).toEqual([
      sent("Hi", null),
      sent("", "stop"),
    ]);
  });

  test("whose choices end at different times says each end when another goes on", async () => {
    const at = (index: number, delta: Json, reason: string | null = null) => withIndex(say(delta, reason), index);
    const chunks = [
      at(0, { role: "assistant", content: "a" }),
      at(0, {}, "stop"),
      at(1, { role: "assistant", content: "b" }),
      at(1, {}, "length"),
    ];
    const body: UpstreamRequest["body"] = { kind: "json", value: { n: 2 } };
    expect(await streamed(done(...chunks), isCut, { body })).toEqual(chunks.map(ours));
  });
});
