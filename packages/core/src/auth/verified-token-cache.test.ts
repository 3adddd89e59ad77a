import { expect, test } from "vitest";
import { createVerifiedTokenCache } from "./verified-token-cache.ts";
import type { RememberedToken } from "./verified-token-cache.ts";

const entry: RememberedToken = {
  principal: {
    accountId: "ada",
    appName: null,
    capabilities: [],
    credential: "jwt",
    credentialSha256: "fingerprint",
    expiresAtMs: 2000,
  },
  notBeforeMs: 1000,
  expiresAtMs: 2000,
  keySetRevision: null,
};
const at = (nowMs: number, keySetRevision: number | null = null) => ({ nowMs, keySetRevision });

test.each([
  [999, null],
  [1000, entry],
  [1999, entry],
  [2000, null],
])("at %d ms a token that is valid from 1000 to 2000 is remembered as %j", (nowMs, expected) => {
  const cache = createVerifiedTokenCache(10);
  cache.set("token", entry);
  expect(cache.get("token", at(nowMs))).toBe(expected);
});

test.each([
  [7, true],
  [8, false],
  [null, false],
])("under the revision %j, what was verified under 7 is remembered: %j", (revision, expected) => {
  const cache = createVerifiedTokenCache(10);
  cache.set("token", { ...entry, keySetRevision: 7 });
  expect(cache.get("token", at(1500, revision)) !== null).toBe(expected);
});

test("what the secret signed does not depend on the key set", () => {
  const cache = createVerifiedTokenCache(10);
  cache.set("token", entry);
  expect(cache.get("token", at(1500, 7))).toBe(entry);
});

test("a token with another signature is another token", () => {
  const cache = createVerifiedTokenCache(10);
  cache.set("header.payload.signature", entry);
  expect(cache.get("header.payload.forged", at(1500))).toBeNull();
});

test("when it is full, the token that was not used for longest is forgotten", () => {
  const cache = createVerifiedTokenCache(2);
  cache.set("a", entry);
  cache.set("b", entry);
  cache.get("a", at(1500));
  cache.set("c", entry);
  expect(["a", "b", "c"].map((token) => cache.get(token, at(1500)) !== null)).toEqual([true, false, true]);
});
