import type { RequestListener } from "node:http";
import { afterEach, expect, test } from "vitest";
import { answerJson, startLoopbackServer } from "../testing/loopback-server.ts";
import type { LoopbackServer } from "../testing/loopback-server.ts";
import { fetchKeySet, isKeySetUrl } from "./fetch-key-set.ts";

const servers: LoopbackServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function fetchFrom(answer: RequestListener) {
  const server = await startLoopbackServer(answer);
  servers.push(server);
  return fetchKeySet({ url: server.url, timeoutMs: 300, bytesMax: 1000, keysMax: 2 });
}

const answerStatus =
  (status: number, headers = {}): RequestListener =>
  (_request, response) =>
    response.writeHead(status, headers).end("{}");

test("a set within all bounds arrives as it was published", async () => {
  const set = { keys: [{ kty: "OKP", kid: "a" }, { kty: "RSA" }] };
  expect(await fetchFrom(answerJson(set))).toEqual(set);
});

test.each<[string, RequestListener, RegExp]>([
  ["is not 200", answerStatus(500), /it answered 500/],
  ["is empty", answerStatus(204), /it answered 204/],
  ["redirects", answerStatus(302, { location: "http://127.0.0.1:1/keys" }), /redirect/],
  ["is no JSON", (_request, response) => response.end("<html>"), /JSON/],
  ["is no set", answerJson({ key: [] }), /no JSON Web Key Set/],
  ["is a list", answerJson([{ kty: "RSA" }]), /no JSON Web Key Set/],
  ["holds something that is no key", answerJson({ keys: ["RSA"] }), /no JSON Web Key Set/],
  ["holds one key too many", answerJson({ keys: [{}, {}, {}] }), /3 keys, more than 2/],
  ["is larger than allowed", answerJson({ keys: [], padding: "x".repeat(1000) }), /larger than 1000 bytes/],
  ["never begins", () => {}, /longer than 300 ms/],
  ["never ends", (_request, response) => response.write('{"keys":'), /longer than 300 ms/],
  ["breaks off", (request) => request.socket.destroy(), /No key set/],
])("an answer that %s is an error that says so", async (_case, answer, message) => {
  await expect(fetchFrom(answer)).rejects.toThrow(message);
});

test("an issuer that can't be reached is an error that says why", async () => {
  const server = await startLoopbackServer(() => {});
  await server.close();
  const fetched = fetchKeySet({ url: server.url, timeoutMs: 1000, bytesMax: 1000, keysMax: 2 });
  await expect(fetched).rejects.toThrow(/ECONNREFUSED/);
});

test("an error names the place without its query, which may hold a secret", async () => {
  const server = await startLoopbackServer(answerStatus(404));
  servers.push(server);
  const fetched = fetchKeySet({ url: `${server.url}?code=hidden`, timeoutMs: 1000, bytesMax: 1000, keysMax: 2 });
  await expect(fetched).rejects.toThrow(new Error(`No key set from ${server.url}: it answered 404`));
});

test.each([
  ["https://issuer.example/keys", true],
  ["http://localhost:8080/keys", true],
  ["http://127.0.0.1/keys", true],
  ["http://[::1]:8080/keys", true],
  ["http://issuer.example/keys", false],
  ["http://127.0.0.1.issuer.example/keys", false],
  ["http://localhost@issuer.example/keys", false],
  ["https://user:password@issuer.example/keys", false],
  ["file:///etc/keys.json", false],
  ["data:application/json,{}", false],
  ["issuer.example/keys", false],
])("%s as the place of a key set: %s", (url, expected) => {
  expect(isKeySetUrl(url)).toBe(expected);
});
