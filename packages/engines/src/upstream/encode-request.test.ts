import { expect, test } from "vitest";
import { encodeRequest } from "./encode-request.ts";
import { relayRequest } from "./testing/relay.ts";

const IDENTITY = { model: "theirs", apiKey: "sk-1" };

function bodyOf(request: Parameters<typeof encodeRequest>[0]): unknown {
  const { body } = encodeRequest(request, IDENTITY);
  return typeof body === "string" ? JSON.parse(body) : null;
}

test("the upstream's model name takes the place of the caller's, and all else stays", () => {
  const value = { model: "default", messages: [], vendor_field: { a: [1, null] } };
  expect(bodyOf(relayRequest({ body: { kind: "json", value } }))).toEqual({ ...value, model: "theirs" });
});

test("a stream of completions is asked for its usage whatever the caller said", () => {
  for (const operation of ["chat", "completion"] as const) {
    const value = { stream: true, stream_options: { include_usage: false, include_obfuscation: false } };
    const request = relayRequest({ operation, stream: true, body: { kind: "json", value } });
    expect(bodyOf(request)).toMatchObject({ stream_options: { include_usage: true, include_obfuscation: false } });
  }
  expect(bodyOf(relayRequest())).not.toHaveProperty("stream_options");
});

test("only headers of ours are sent, and the trace where it is one", () => {
  const traceParent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
  expect(encodeRequest(relayRequest({ traceParent }), IDENTITY).headers).toEqual({
    "content-type": "application/json",
    accept: "application/json",
    "accept-encoding": "identity",
    "user-agent": "openai-compat",
    authorization: "Bearer sk-1",
    traceparent: traceParent,
  });
  const { headers } = encodeRequest(relayRequest({ traceParent: "x\r\nevil: 1" }), { ...IDENTITY, apiKey: null });
  expect(Object.keys(headers)).not.toContain("traceparent");
  expect(Object.keys(headers)).not.toContain("authorization");
});

test("a form names one model, the upstream's", () => {
  const fields = [
    { name: "model", value: "default" },
    { name: "language", value: "en" },
    { name: "model", value: "again" },
  ];
  const request = relayRequest({ operation: "transcription", body: { kind: "form", fields } });
  const { body, path } = encodeRequest(request, IDENTITY);
  const text = Buffer.from(body).toString();
  expect(path).toBe("/audio/transcriptions");
  expect(text.match(/name="model"\r\n\r\n(.*)\r\n/g)).toEqual(['name="model"\r\n\r\ntheirs\r\n']);
  expect(text).toContain('name="language"\r\n\r\nen\r\n');
});
