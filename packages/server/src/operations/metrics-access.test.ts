import { expect, test } from "vitest";
import { requireMetricsAccess } from "./metrics-access.ts";

const TOKEN = "a-token-for-the-metrics";

function read(options: {
  headers?: Record<string, string>;
  peer?: string | null;
  host?: string;
  token?: string | null;
}) {
  const { headers = {}, peer = "127.0.0.1", host = "127.0.0.1:8080", token = null } = options;
  const request = new Request(`http://${host}/metrics`, { headers });
  return () => requireMetricsAccess({ request, peerAddress: peer }, token);
}

test.each([
  ["IPv4", { peer: "127.0.0.1" }],
  ["IPv4 in IPv6", { peer: "::ffff:127.0.0.1" }],
  ["IPv6", { peer: "::1", host: "[::1]:8080" }],
  ["by name", { host: "localhost:8080" }],
])("without a token, a direct connection from this machine may read (%s)", (_case, options) => {
  expect(read(options)).not.toThrow();
});

test.each([
  ["another machine", { peer: "10.0.0.5" }],
  ["no socket", { peer: null }],
  ["a reverse proxy", { headers: { "x-forwarded-for": "203.0.113.9" } }],
  ["a reverse proxy of the new kind", { headers: { forwarded: "for=203.0.113.9" } }],
  ["a web page", { headers: { origin: "https://evil.test" } }],
  ["a web page that rebinds its name", { host: "evil.test:8080" }],
])("without a token, %s may not read", (_case, options) => {
  expect(read(options)).toThrow(expect.objectContaining({ code: "capability_missing" }));
});

test("with a token, its holder may read from anywhere, and no other client from this machine", () => {
  const headers = { authorization: `Bearer ${TOKEN}` };
  expect(read({ token: TOKEN, headers, peer: "203.0.113.9", host: "ai.test" })).not.toThrow();
  expect(read({ token: TOKEN })).toThrow(expect.objectContaining({ code: "missing_credentials" }));
  expect(read({ token: TOKEN, headers: { authorization: `Bearer ${TOKEN}x` } })).toThrow(
    expect.objectContaining({ code: "invalid_credentials" }),
  );
});
