import OpenAI from "openai";
import { expect, test } from "vitest";
import { z } from "zod";
import type { SdkOutcome } from "./check-context.ts";
import type { BodyEnd, Exchange } from "./exchange.ts";
import { chatChunks, jsonFrames, streamedText } from "./expect-stream.ts";
import {
  assume,
  expectErrorEnvelope,
  expectHeader,
  expectJson,
  expectSdkError,
  expectSdkValue,
  expectShape,
  expectStatus,
  requireSuccess,
  throwIfUnsupported,
} from "./expect.ts";
import { Failure, Inconclusive, Unsupported } from "./outcome-signals.ts";
import { defineOwners } from "./owners.ts";

const OWNERS = defineOwners("chat.completion.answers");

const REQUEST = { method: "GET", url: "http://h/v1/models", headers: {}, body: null };

function answer(status: number, body: unknown, end: BodyEnd = "clean"): Exchange {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const chunks = [{ atMs: 1, bytes: new TextEncoder().encode(text) }];
  const headers = { "content-type": "application/json" };
  const response = { status, headers, headersAtMs: 1, chunks, end, endAtMs: 2, truncated: false };
  return { request: REQUEST, response, transportError: null };
}

const broken = (transportError: string): Exchange => ({ request: REQUEST, response: null, transportError });
const outcome = (exchange: Exchange, settled: { value?: unknown; error?: unknown }): SdkOutcome<unknown> => ({
  value: settled.value,
  error: settled.error,
  exchanges: [exchange],
  exchange,
});
const envelope = (error: object) => ({ error: { message: "no", type: "t", param: null, code: null, ...error } });

test("a status among the accepted ones is returned, another is the wire's objection", () => {
  expect(expectStatus(answer(404, ""), [404, 405]).status).toBe(404);
  expect(() => expectStatus(answer(500, "oops"), 200)).toThrow("expected status 200, got status 500, body oops");
});

test("a rate limit is inconclusive unless the check is about it", () => {
  expect(() => expectStatus(answer(429, ""), 200)).toThrow(Inconclusive);
  expect(expectStatus(answer(429, ""), 429).status).toBe(429);
});

test("nobody listening is inconclusive, a connection that breaks is a failure", () => {
  expect(() => expectStatus(broken("ECONNREFUSED: no"), 200)).toThrow(Inconclusive);
  expect(() => expectStatus(broken("ECONNRESET: no"), 200)).toThrow(Failure);
});

test("a header is matched by value, by pattern or by absence", () => {
  const exchange = answer(200, "");
  expect(expectHeader(exchange, "Content-Type", /json/)).toBe("application/json");
  expect(expectHeader(exchange, "x-none", null)).toBeUndefined();
  expect(() => expectHeader(exchange, "content-type", null)).toThrow(Failure);
  expect(() => expectHeader(exchange, "x-none", "a")).toThrow('expected header x-none "a", got no such header');
});

test("a body that is cut or no JSON is the wire's objection", () => {
  expect(expectJson(answer(200, { a: 1 }))).toEqual({ a: 1 });
  expect(() => expectJson(answer(200, { a: 1 }, "cut"))).toThrow("ended as cut");
  expect(() => expectJson(answer(200, "<html>"))).toThrow("JSON in UTF-8");
});

test("a wrong shape is the schema's objection and lists every issue; null counts as absent", () => {
  const schema = z.object({ a: z.number(), b: z.string(), c: z.string().optional() });
  expect(expectShape(answer(200, { a: 1, b: "x", c: null }), schema)).toEqual({ a: 1, b: "x", c: null });
  expect(() => expectShape(answer(200, { a: "1" }), schema)).toThrow(/a: .*; b: /);
});

test("an error envelope is judged by the values that the rule names", () => {
  const exchange = answer(401, envelope({ code: "invalid_api_key" }));
  expect(expectErrorEnvelope(exchange, { status: 401, code: ["invalid_api_key", "x"] }).message).toBe("no");
  expect(() => expectErrorEnvelope(exchange, { code: "other" })).toThrow('error.code "other"');
  expect(() => expectErrorEnvelope(answer(401, { error: "no" }))).toThrow(Failure);
});

test("an assumption that another check owns turns a failure into an inconclusive end", () => {
  expect(() => assume("success", OWNERS, () => expectStatus(answer(500, ""), 200))).toThrow(Inconclusive);
  expect(assume("success", OWNERS, () => expectStatus(answer(200, ""), 200)).status).toBe(200);
});

test("the SDK's value is required or expected, and its error must be of exactly the class", () => {
  const error = new OpenAI.AuthenticationError(401, {}, "no", new Headers());
  const refused = outcome(answer(401, ""), { error });
  expect(expectSdkError(refused, OpenAI.AuthenticationError)).toBe(error);
  expect(() => expectSdkError(refused, OpenAI.APIError)).toThrow(Failure);
  expect(() => expectSdkError(outcome(answer(200, ""), { value: 1 }), OpenAI.APIError)).toThrow("it returned a value");
  expect(() => requireSuccess(refused, OWNERS)).toThrow(Inconclusive);
  expect(() => expectSdkValue(refused)).toThrow(Failure);
  expect(requireSuccess(outcome(answer(200, ""), { value: 1 }), OWNERS)).toBe(1);
});

test("only a canonical refusal that names the feature is unsupported", () => {
  expect(() => throwIfUnsupported(answer(400, envelope({ param: "tools[0].type" })), "tools")).toThrow(Unsupported);
  expect(() => throwIfUnsupported(answer(501, envelope({ message: "`n` is not supported" })), "n")).toThrow(
    Unsupported,
  );
  for (const other of [
    answer(400, envelope({ message: "no stools here" })),
    answer(500, envelope({ param: "tools" })),
    answer(400, { detail: "tools" }),
    answer(200, envelope({ param: "tools" })),
    broken("ECONNRESET: tools"),
  ]) {
    expect(() => throwIfUnsupported(other, "tools")).not.toThrow();
  }
});

test("chunks are read up to the sentinel and put together per choice", () => {
  const frame = (index: number, content: string): string =>
    `data: ${JSON.stringify({ choices: [{ index, delta: { content } }] })}\n\n`;
  const exchange = answer(
    200,
    `: ping\n\n${frame(0, "a")}${frame(1, "x")}${frame(0, "b")}data: [DONE]\n\ndata: late\n\n`,
  );
  expect(streamedText(chatChunks(exchange, OWNERS))).toBe("ab");
  expect(streamedText(chatChunks(exchange, OWNERS), 1)).toBe("x");
});

test("frames that are no JSON fail the check that reads frames and leave the one that reads chunks inconclusive", () => {
  const exchange = answer(200, "data: {oops\n\n");
  expect(() => jsonFrames(exchange)).toThrow(Failure);
  for (const unreadable of [exchange, answer(200, ""), answer(500, ""), answer(200, "data: {}\n\n")]) {
    expect(() => chatChunks(unreadable, OWNERS)).toThrow(Inconclusive);
  }
});
