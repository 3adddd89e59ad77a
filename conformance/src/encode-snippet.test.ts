import { expect, test } from "vitest";
import { encodeSnippet } from "./encode-snippet.ts";
import type { Exchange, RecordedRequest } from "./exchange.ts";

const target = { baseUrl: "http://127.0.0.1:1/v1", keys: { full: "sk-full", expired: "sk-expired" } };

function snippetOf(overrides: Partial<RecordedRequest>): string | null {
  const request = {
    method: "POST",
    url: `${target.baseUrl}/chat/completions`,
    headers: { authorization: "Bearer sk-full", "content-type": "application/json" },
    body: '{"model":"m","stream":true}',
    ...overrides,
  };
  return encodeSnippet({ request, response: null, transportError: null } satisfies Exchange, target);
}

test("a request is a call of the SDK's own method, and a stream is read to its end", () => {
  expect(snippetOf({})).toBe(`import OpenAI from "openai";

const client = new OpenAI({ baseURL: "http://127.0.0.1:1/v1", apiKey: process.env.OPENAI_API_KEY, maxRetries: 0 });
const stream = await client.chat.completions.create({
  "model": "m",
  "stream": true
});
for await (const event of stream) console.log(JSON.stringify(event));
`);
});

test("another operation is called by its path, with the key's own variable and the headers of a gateway", () => {
  const headers = { authorization: "Bearer sk-expired", "x-gateway": "a" };
  const snippet = snippetOf({ method: "GET", url: `${target.baseUrl}/models/m`, body: null, headers });
  expect(snippet).toContain("apiKey: process.env.OPENAI_CONFORMANCE_KEY_EXPIRED");
  expect(snippet).toContain('defaultHeaders: {"x-gateway":"a"}');
  expect(snippet).toContain('client.get("/models/m")');
});

test.each<[string, Partial<RecordedRequest>]>([
  ["no key", { headers: { "content-type": "application/json" } }],
  ["a made-up key", { headers: { authorization: "Bearer other", "content-type": "application/json" } }],
  ["broken JSON", { body: '{"model":' }],
  ["a form", { headers: { authorization: "Bearer sk-full", "content-type": "multipart/form-data" } }],
  ["bytes", { body: new Uint8Array(3) }],
  ["another place", { url: "http://127.0.0.1:1/other" }],
  ["an upgrade", { headers: { authorization: "Bearer sk-full", upgrade: "websocket" } }],
])("there is no program for %s, which the SDK can't send", (_, overrides) => {
  expect(snippetOf(overrides)).toBeNull();
});
