import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import type { ApiKeyRecord } from "../store/api-key-store.ts";
import type { ClientSecretRecord } from "../store/client-secret-store.ts";
import { fakeTokenRevocations } from "../testing/fake-token-revocations.ts";
import { generateApiKey } from "./api-key.ts";
import { createAuthenticator } from "./authenticator.ts";
import { generateClientSecret } from "./client-secret.ts";
import { mintToken } from "./jwt.ts";
import type { JwtSettings } from "./jwt.ts";
import { describeRevocation } from "./token-fingerprint.ts";

const START_MS = Date.parse("2026-11-30T12:00:00Z");
const EVERYTHING = [{ domain: "*", pointers: ["*"], can: ["*"] }];
const jwt: JwtSettings = {
  secret: "a-secret-for-tests-that-is-long-enough",
  issuer: null,
  audience: null,
  clockToleranceSeconds: 0,
};
const refused = { code: "invalid_credentials", message: "Incorrect API key provided." };

function setUp(options: { readonly keyExpiresAtMs?: number } = {}) {
  const clock = { nowMs: START_MS };
  const expiresAtMs = options.keyExpiresAtMs ?? null;
  const key = generateApiKey({
    accountId: "ada",
    name: "n",
    capabilities: EVERYTHING,
    expiresAtMs,
    nowMs: START_MS,
  });
  const keys = new Map<string, ApiKeyRecord>([[key.record.secretSha256, key.record]]);
  const secrets = new Map<string, ClientSecretRecord>();
  const tokenRevocations = fakeTokenRevocations();
  const authenticator = createAuthenticator({
    apiKeys: {
      insert: async () => {},
      findBySecretSha256: async (sha256) => keys.get(sha256) ?? null,
      list: async () => [],
      revoke: async () => false,
      close: async () => {},
    },
    clientSecrets: {
      insert: async () => true,
      findBySecretSha256: async (sha256) => secrets.get(sha256) ?? null,
      prune: async () => 0,
      close: async () => {},
    },
    tokenRevocations,
    jwt,
    now: () => clock.nowMs,
  });
  async function makeSecret(token: string, lifetimeMs = 60_000): Promise<string> {
    const principal = await authenticator.authenticate(token);
    const made = generateClientSecret({ principal, configuration: '{"a":1}', lifetimeMs, nowMs: clock.nowMs });
    secrets.set(made.record.secretSha256, made.record);
    return made.secret;
  }
  const mint = (expiresInSeconds: number) =>
    mintToken({
      settings: jwt,
      accountId: "ada",
      appName: "x",
      capabilities: EVERYTHING,
      expiresInSeconds,
      nowMs: START_MS,
    });
  return { clock, key, keys, secrets, tokenRevocations, authenticator, makeSecret, mint };
}

test("a client secret begins as the SDKs expect, and its record holds a hash of it alone", async () => {
  const { makeSecret, key, secrets } = setUp();
  const secret = await makeSecret(key.secret);
  expect(secret).toMatch(/^ek_[\w-]{43}$/);
  expect([...secrets.values()]).toEqual([
    {
      secretSha256: createHash("sha256").update(secret).digest("hex"),
      accountId: "ada",
      configuration: '{"a":1}',
      maker: { credential: "api-key", credentialSha256: key.record.secretSha256, expiresAtMs: null },
      createdAtMs: START_MS,
      expiresAtMs: START_MS + 60_000,
    },
  ]);
});

test("a session of a client secret is the maker's account, and may transcribe and nothing else", async () => {
  const { makeSecret, key, authenticator } = setUp();
  const session = await authenticator.openSession(await makeSecret(key.secret));
  expect(session.configuration).toBe('{"a":1}');
  expect(session.principal).toMatchObject({
    accountId: "ada",
    credential: "client-secret",
    capabilities: [{ domain: "ai", pointers: ["*"], can: ["TRANSCRIBE"] }],
  });
});

test("a client secret is no credential for a call, and makes no other", async () => {
  const { makeSecret, key, authenticator } = setUp();
  const secret = await makeSecret(key.secret);
  await expect(authenticator.authenticate(secret)).rejects.toMatchObject(refused);
  const { principal } = await authenticator.openSession(secret);
  const options = { configuration: null, lifetimeMs: 1, nowMs: START_MS };
  expect(() => generateClientSecret({ ...options, principal })).toThrow(/can't make others/);
});

test("an unknown client secret is refused like any other credential, and so is one where none are kept", async () => {
  const { authenticator } = setUp();
  await expect(authenticator.openSession("ek_unknown")).rejects.toMatchObject(refused);
  const without = createAuthenticator({
    apiKeys: {
      insert: async () => {},
      findBySecretSha256: async () => null,
      list: async () => [],
      revoke: async () => false,
      close: async () => {},
    },
    tokenRevocations: fakeTokenRevocations(),
    jwt,
  });
  await expect(without.openSession("ek_unknown")).rejects.toMatchObject(refused);
});

test("no session begins from the expiry of a client secret on, and those that have begun go on", async () => {
  const { makeSecret, key, authenticator, clock } = setUp();
  const secret = await makeSecret(key.secret, 10_000);
  clock.nowMs += 9_999;
  const session = await authenticator.openSession(secret);
  clock.nowMs += 1;
  await expect(authenticator.openSession(secret)).rejects.toMatchObject(refused);
  await expect(session.renew()).resolves.toEqual(session.principal);
});

test("a client secret expires with its maker's credential, and its sessions with it", async () => {
  const { makeSecret, mint, authenticator, clock, secrets } = setUp();
  const secret = await makeSecret(await mint(30), 60_000);
  expect([...secrets.values()][0]?.expiresAtMs).toBe(START_MS + 30_000);
  const session = await authenticator.openSession(secret);
  clock.nowMs += 29_999;
  await expect(session.renew()).resolves.toMatchObject({ accountId: "ada" });
  clock.nowMs += 1;
  await expect(session.renew()).rejects.toMatchObject(refused);
});

test("the revocation of the key or the token that a client secret was made with ends it and its sessions", async () => {
  const { makeSecret, mint, key, keys, tokenRevocations, authenticator } = setUp();
  const ofKey = await makeSecret(key.secret);
  const token = await mint(600);
  const ofToken = await makeSecret(token);
  const sessions = [await authenticator.openSession(ofKey), await authenticator.openSession(ofToken)];
  keys.set(key.record.secretSha256, { ...key.record, revokedAtMs: START_MS });
  const { tokenSha256, expiresAtMs } = describeRevocation(token) ?? { tokenSha256: "", expiresAtMs: 0 };
  await tokenRevocations.revoke(tokenSha256, expiresAtMs);
  for (const secret of [ofKey, ofToken]) {
    await expect(authenticator.openSession(secret)).rejects.toMatchObject(refused);
  }
  for (const session of sessions) await expect(session.renew()).rejects.toMatchObject(refused);
});

test("a session of a key is looked up again, and ends when the key expires or is deleted", async () => {
  const { key, keys, authenticator, clock } = setUp({ keyExpiresAtMs: START_MS + 1000 });
  const session = await authenticator.openSession(key.secret);
  expect(session).toMatchObject({ configuration: null, principal: { credential: "api-key" } });
  await expect(session.renew()).resolves.toEqual(session.principal);
  clock.nowMs += 1000;
  await expect(session.renew()).rejects.toMatchObject(refused);
  clock.nowMs = START_MS;
  keys.clear();
  await expect(session.renew()).rejects.toMatchObject(refused);
});

test("a session without a credential says how to send one", async () => {
  await expect(setUp().authenticator.openSession(null)).rejects.toMatchObject({ code: "missing_credentials" });
});
