import { execFile } from "node:child_process";
import { promisify } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeCurl } from "./encode-curl.ts";

const REQUEST = { method: "POST", url: "http://h/v1/chat/completions", headers: {}, body: null };

test("a key of the recipe becomes the variable that holds it, and the SDK's own statistics are left out", () => {
  const headers = { authorization: "Bearer sk-old", "content-type": "application/json", "x-stainless-lang": "js" };
  const line = encodeCurl({ ...REQUEST, headers, body: "{}" }, { full: "sk-full", expired: "sk-old" });
  expect(line).toBe(
    `curl -i -X POST http://h/v1/chat/completions -H "authorization: Bearer $OPENAI_CONFORMANCE_KEY_EXPIRED"` +
      ` -H 'content-type: application/json' --data-binary '{}'`,
  );
});

test("an authorization that is no key of the recipe stays as it is", () => {
  expect(encodeCurl({ ...REQUEST, headers: { authorization: "Basic $x" } }, {})).toContain(
    "-H 'authorization: Basic $x'",
  );
});

test("a key under a scheme in lower case becomes its variable, with the scheme as it was sent", () => {
  const line = encodeCurl({ ...REQUEST, headers: { authorization: "bearer sk-full" } }, { full: "sk-full" });
  expect(line).toContain('-H "authorization: bearer $OPENAI_API_KEY"');
});

test("a request of HTTP/1.0 is repeated as one, without a Host header", () => {
  expect(encodeCurl({ ...REQUEST, method: "GET", httpVersion: "1.0" }, {})).toBe(
    "curl -i http://h/v1/chat/completions --http1.0 -H Host:",
  );
});

test("a long body is cut, and the line says so", () => {
  expect(encodeCurl({ ...REQUEST, body: "x".repeat(5000) }, {})).toMatch(/# body cut: 5000 characters were sent$/);
});

test("a long body of bytes is cut, and the line says so", () => {
  const line = encodeCurl({ ...REQUEST, body: new Uint8Array(200_000).fill(65) }, {});
  expect(line).toMatch(/# body cut: 200000 bytes were sent$/);
  expect(line.length).toBeLessThan(60_000);
});

test.skipIf(process.platform === "win32")("bytes that are no text reach curl as they were sent", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1 }), async (bytes) => {
      const line = encodeCurl({ ...REQUEST, body: bytes }, {});
      const printed = await promisify(execFile)("sh", ["-c", `curl() { cat; }; ${line}`], { encoding: "buffer" });
      expect(printed.stdout).toEqual(Buffer.from(bytes));
    }),
    { numRuns: 20, examples: [[Uint8Array.from([0x2d, 0])]] },
  );
});

test.skipIf(process.platform === "win32")("a shell reads the body back as it was sent", async () => {
  const body = fc.string({ unit: "grapheme", minLength: 1 }).filter((text) => !text.includes("\0"));
  await fc.assert(
    fc.asyncProperty(body, async (text) => {
      const line = encodeCurl({ ...REQUEST, body: text }, {});
      const printed = await promisify(execFile)("sh", ["-c", `curl() { printf %s "$6"; }; ${line}`]);
      expect(printed.stdout).toBe(text);
    }),
    { numRuns: 20 },
  );
});
