import fc from "fast-check";
import { expect, test } from "vitest";
import { CHUNK_BYTES_MEAN_MIN, SMALL_CHUNKS_MAX, readJsonBody as readJsonBodyWith } from "./read-body.ts";
import type { BodyLimits } from "./read-body.ts";

const LIMITS = {
  bodyBytesMax: 100,
  bodyTimeoutMs: 1000,
  bodyStallTimeoutMs: 1000,
  bodyValuesMax: 1000,
  bodyNumbersMax: 1000,
  bodyDepthMax: 20,
};

const readJsonBody = async (request: Request, limits: BodyLimits): Promise<unknown> =>
  (await readJsonBodyWith(request, limits, { signal: new AbortController().signal, onRead: () => {} })).value;

type Body = NonNullable<RequestInit["body"]>;

function createRequest(body: Body, headers: Record<string, string> = {}): Request {
  return new Request("http://server.test/", {
    method: "POST",
    body,
    headers: { "content-type": "application/json", ...headers },
    duplex: "half",
  });
}

const streamOf = (...chunks: (string | Uint8Array<ArrayBuffer>)[]) =>
  new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      for (const chunk of chunks)
        controller.enqueue(typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk);
      controller.close();
    },
  });

test("any JSON comes back as it was sent, however it is cut into chunks", async () => {
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), fc.integer({ min: 1, max: 7 }), async (value, size) => {
      const bytes = new TextEncoder().encode(JSON.stringify(value));
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
        bytes.slice(index * size, (index + 1) * size),
      );
      const limits = { ...LIMITS, bodyBytesMax: bytes.length };
      const expected = JSON.parse(JSON.stringify(value));
      expect(await readJsonBody(createRequest(streamOf(...chunks)), limits)).toEqual(expected);
      const declared = createRequest(bytes, { "content-length": String(bytes.length) });
      expect(await readJsonBody(declared, limits)).toEqual(expected);
    }),
    { numRuns: 50 },
  );
});

test.each([
  "application/json",
  "application/json; charset=utf-8",
  'application/json;charset="UTF-8"',
  "application/problem+json",
])("the content type %s is JSON", async (contentType) => {
  expect(await readJsonBody(createRequest("{}", { "content-type": contentType }), LIMITS)).toEqual({});
});

test("a body without a content type is taken for JSON", async () => {
  const request = createRequest("{}");
  request.headers.delete("content-type");
  expect(await readJsonBody(request, LIMITS)).toEqual({});
});

test.each([
  [{ "content-type": "text/plain" }, "unsupported_media_type"],
  [{ "content-type": "application/x-www-form-urlencoded" }, "unsupported_media_type"],
  [{ "content-type": "application/json; charset=latin1" }, "unsupported_media_type"],
  [{ "content-encoding": "gzip" }, "unsupported_media_type"],
  [{ "content-length": "101" }, "body_too_large"],
])("%j is refused without a look at the body", async (headers, code) => {
  let pulls = 0;
  const body = new ReadableStream({ pull: () => void (pulls += 1) }, { highWaterMark: 0 });
  await expect(readJsonBody(createRequest(body, headers), LIMITS)).rejects.toMatchObject({ code });
  expect(pulls).toBe(0);
});

test.each([
  ["", "invalid_request"],
  ["  ", "invalid_request"],
  ["{", "invalid_request"],
  [`{"a": 1} trailing`, "invalid_request"],
  [new Uint8Array([0x22, 0xff, 0x22]), "invalid_request"],
  ["x".repeat(101), "body_too_large"],
  ['["a","b","c",["d","e","f","g"]]', "body_too_large"],
  ["[1,2,3,[4,5,6,7]]", "body_too_large"],
  ["[[[[[]]]]]", "invalid_request"],
])("the body %j is refused", async (body, code) => {
  const limits = { ...LIMITS, bodyValuesMax: 8, bodyNumbersMax: 4, bodyDepthMax: 4 };
  await expect(readJsonBody(createRequest(streamOf(body)), limits)).rejects.toMatchObject({ code });
});

test("a byte order mark is no error", async () => {
  expect(await readJsonBody(createRequest(new Uint8Array([0xef, 0xbb, 0xbf, 0x7b, 0x7d])), LIMITS)).toEqual({});
});

test.each([
  ["}", "invalid_request", "near byte 200000"],
  ['"]', "body_too_large", "more values"],
  [",1,2,3]", "body_too_large", "more numbers"],
  [",[[[[]]]]]", "invalid_request", "nested deeper"],
])("a large body that ends with %j is refused as a small one is", async (end, code, message) => {
  const start = end === '"]' ? `[${'"a",'.repeat(50_000)}"a` : `["${"a".repeat(199_997)}"`;
  const limits = { ...LIMITS, bodyBytesMax: 1_000_000, bodyNumbersMax: 2, bodyDepthMax: 4 };
  await expect(readJsonBody(createRequest(start + end), limits)).rejects.toMatchObject({
    code,
    message: expect.stringContaining(message),
  });
});

test("a large body is read whole, with a byte order mark or without, and refused when it is no UTF-8", async () => {
  const limits = { ...LIMITS, bodyBytesMax: 1_000_000 };
  const text = JSON.stringify({ text: "é".repeat(100_000) });
  expect(await readJsonBody(createRequest(text), limits)).toEqual(JSON.parse(text));
  expect(await readJsonBody(createRequest(`\uFEFF${text}`), limits)).toEqual(JSON.parse(text));
  const bytes = Buffer.from(text);
  bytes[150_001] = 0xff;
  await expect(readJsonBody(createRequest(bytes), limits)).rejects.toMatchObject({ code: "invalid_request" });
});

test("deep nesting is read, not overflowed", async () => {
  const depth = 100_000;
  const limits = { ...LIMITS, bodyBytesMax: depth * 2, bodyValuesMax: depth + 1, bodyDepthMax: depth };
  const body = streamOf("[".repeat(depth) + "]".repeat(depth));
  expect(Array.isArray(await readJsonBody(createRequest(body), limits))).toBe(true);
});

test("the message of a syntax error does not quote the body", async () => {
  const request = createRequest(`{"password": hunter2}`);
  await expect(readJsonBody(request, LIMITS)).rejects.toThrow(/^(?!.*hunter2).*JSON/);
});

test("a body that declares no length is refused with the first byte too many, however much of it is to come", async () => {
  let pulls = 0;
  let cancelled = false;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      pull(controller) {
        pulls += 1;
        // Enough to show a missing bound: the test ends although the body is read to its end.
        if (pulls > 1000) controller.close();
        else controller.enqueue(new Uint8Array(10).fill(0x20));
      },
      cancel: () => void (cancelled = true),
    },
    { highWaterMark: 0 },
  );
  await expect(readJsonBody(createRequest(body), LIMITS)).rejects.toMatchObject({ code: "body_too_large" });
  expect({ pulls, cancelled }).toEqual({ pulls: 11, cancelled: true });
});

test("a body that never ends is given up after the limit", async () => {
  let cancelled = false;
  const body = new ReadableStream({ pull: () => new Promise(() => {}), cancel: () => void (cancelled = true) });
  const reading = readJsonBody(createRequest(body), { ...LIMITS, bodyTimeoutMs: 20 });
  await expect(reading).rejects.toMatchObject({ code: "request_timeout" });
  expect(cancelled).toBe(true);
});

test("a body that breaks off is the client's error", async () => {
  const body = new ReadableStream({ pull: (controller) => controller.error(new Error("gone")) });
  await expect(readJsonBody(createRequest(body), LIMITS)).rejects.toMatchObject({ code: "invalid_request" });
});

test("so many tiny chunks are read, and more only if the body is as long as they deserve", async () => {
  const chunks = (count: number, bytes: number) =>
    streamOf(...Array.from({ length: count }, () => new Uint8Array(bytes).fill(0x20)), "1");
  const limits = { ...LIMITS, bodyBytesMax: 10_000_000 };
  expect(await readJsonBody(createRequest(chunks(SMALL_CHUNKS_MAX - 1, 1)), limits)).toBe(1);
  expect(await readJsonBody(createRequest(chunks(2 * SMALL_CHUNKS_MAX, CHUNK_BYTES_MEAN_MIN + 1)), limits)).toBe(1);
  await expect(readJsonBody(createRequest(chunks(SMALL_CHUNKS_MAX, 1)), limits)).rejects.toMatchObject({
    code: "invalid_request",
    message: expect.stringContaining("larger chunks"),
  });
});
