import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { generateApiKey, isApiKey } from "./api-key.ts";

const options = { accountId: "ada", name: "laptop", capabilities: [], expiresAtMs: 9, nowMs: 5 };

test("a new key's record holds what its holder is to be known by, and of the secret its hash and its end", () => {
  const { secret, record } = generateApiKey(options);
  expect(secret).toMatch(/^sk-[A-Za-z0-9_-]{43}$/);
  expect(record).toEqual({
    id: expect.stringMatching(/^key_[0-9a-f]{24}$/),
    secretSha256: createHash("sha256").update(secret).digest("hex"),
    secretTail: secret.slice(-4),
    accountId: "ada",
    name: "laptop",
    capabilities: [],
    createdAtMs: 5,
    expiresAtMs: 9,
    revokedAtMs: null,
  });
});

test("no two keys are the same", () => {
  const keys = Array.from({ length: 100 }, () => generateApiKey(options));
  expect(new Set(keys.map(({ secret }) => secret)).size).toBe(100);
  expect(new Set(keys.map(({ record }) => record.id)).size).toBe(100);
});

test("a token is taken for an API key by how it begins, and by nothing else", () => {
  expect(["sk-", "sk-x", generateApiKey(options).secret].map(isApiKey)).toEqual([true, true, true]);
  expect(["", "sk", "SK-x", "x-sk-", "eyJhbGciOi"].map(isApiKey)).toEqual([false, false, false, false, false]);
});
