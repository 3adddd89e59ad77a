import fc from "fast-check";
import { anyCharacter } from "../testing/any-character.ts";
import { SignJWT } from "jose";
import { expect, test } from "vitest";
import type { ApiKeyRecord, ApiKeyStore } from "../store/api-key-store.ts";
import { fakeTokenRevocations } from "../testing/fake-token-revocations.ts";
import { generateApiKey } from "./api-key.ts";
import { createAuthenticator } from "./authenticator.ts";
import { mintToken } from "./jwt.ts";
import type { JwtSettings } from "./jwt.ts";
import { describeRevocation, fingerprintToken } from "./token-fingerprint.ts";

const settings: JwtSettings = {
  secret: "a secret of at least thirty-two bytes",
  issuer: "ad4m",
  audience: "openai-compat",
  clockToleranceSeconds: 30,
};
const capabilities = [{ domain: "ai", pointers: ["*"], can: ["PROMPT"] }];
const identity = { accountId: "ada@example.com", appName: "notes", capabilities };
const nowMs = Date.parse("2026-11-23T12:00:00Z");

function storeOf(...records: ApiKeyRecord[]): ApiKeyStore {
  return {
    insert: async (record) => void records.push(record),
    findBySecretSha256: async (hash) => records.find((record) => record.secretSha256 === hash) ?? null,
    list: async () => records,
    revoke: async () => false,
    close: async () => {},
  };
}

function authenticatorAt(timeMs: number, apiKeys = storeOf()) {
  return createAuthenticator({ apiKeys, tokenRevocations: fakeTokenRevocations(), jwt: settings, now: () => timeMs });
}

const refused = { code: "invalid_credentials", message: "Incorrect API key provided." };

const mint = (overrides: Partial<Parameters<typeof mintToken>[0]> = {}) =>
  mintToken({ settings, ...identity, expiresInSeconds: 600, nowMs, ...overrides });

test("a minted token is accepted and names the account, the application and the grants", async () => {
  const token = await mint();
  const principal = await authenticatorAt(nowMs).authenticate(token);
  expect(principal).toEqual({
    ...identity,
    credential: "jwt",
    credentialSha256: fingerprintToken(token),
    expiresAtMs: nowMs + 630_000,
  });
});

test("the refusal of a call without a token says how to send one", async () => {
  await expect(authenticatorAt(nowMs).authenticate(null)).rejects.toMatchObject({ code: "missing_credentials" });
  await expect(authenticatorAt(nowMs).authenticate("")).rejects.toMatchObject({ code: "missing_credentials" });
});

test("a token is refused from the moment that the tolerated skew after its expiry has passed, cached or not", async () => {
  const token = await mint();
  let timeMs = nowMs;
  const authenticator = createAuthenticator({
    apiKeys: storeOf(),
    tokenRevocations: fakeTokenRevocations(),
    jwt: settings,
    now: () => timeMs,
  });
  await authenticator.authenticate(token);
  timeMs = nowMs + 629_999;
  await expect(authenticator.authenticate(token)).resolves.toMatchObject({ credential: "jwt" });
  timeMs = nowMs + 630_000;
  await expect(authenticator.authenticate(token)).rejects.toMatchObject({ code: "invalid_credentials" });
  await expect(authenticatorAt(timeMs).authenticate(token)).rejects.toMatchObject({ code: "invalid_credentials" });
});

test("a revoked token is refused at once, remembered or not, and another of the same account is not", async () => {
  const [token, other] = [await mint(), await mint()];
  const tokenRevocations = fakeTokenRevocations();
  const authenticator = createAuthenticator({ apiKeys: storeOf(), tokenRevocations, jwt: settings, now: () => nowMs });
  await authenticator.authenticate(token);
  const { tokenSha256 = "", expiresAtMs = 0 } = describeRevocation(token) ?? {};
  await tokenRevocations.revoke(tokenSha256, expiresAtMs);
  await expect(authenticator.authenticate(token)).rejects.toMatchObject(refused);
  const restarted = createAuthenticator({ apiKeys: storeOf(), tokenRevocations, jwt: settings, now: () => nowMs });
  await expect(restarted.authenticate(token)).rejects.toMatchObject(refused);
  await expect(authenticator.authenticate(other)).resolves.toMatchObject({ accountId: identity.accountId });
});

test("a token that was forgotten for a newer one is verified again", async () => {
  const options = { apiKeys: storeOf(), tokenRevocations: fakeTokenRevocations(), jwt: settings, now: () => nowMs };
  const authenticator = createAuthenticator({ ...options, verifiedTokensMax: 1 });
  const tokens = [await mint(), await mint({ accountId: "grace" })] as const;
  for (const token of [...tokens, ...tokens]) await authenticator.authenticate(token);
  expect(await authenticator.authenticate(tokens[0])).toMatchObject({ accountId: identity.accountId });
  expect(await authenticator.authenticate(tokens[1])).toMatchObject({ accountId: "grace" });
});

const key = new TextEncoder().encode(settings.secret);
const claims = { sub: "ada", capabilities: { appName: "", capabilities: [] } };
const sign = (payload: Record<string, unknown>, header = { alg: "HS256" }, signingKey = key) =>
  new SignJWT({ iss: "ad4m", aud: "openai-compat", exp: nowMs / 1000 + 600, ...payload })
    .setProtectedHeader(header)
    .sign(signingKey);
const unsigned = (payload: Record<string, unknown>) =>
  `${Buffer.from('{"alg":"none"}').toString("base64url")}.${Buffer.from(JSON.stringify(payload)).toString("base64url")}.`;

test.each([
  ["of another secret", () => sign(claims, { alg: "HS256" }, new TextEncoder().encode("b".repeat(40)))],
  ["of another issuer", () => sign({ ...claims, iss: "mallory" })],
  ["for another audience", () => sign({ ...claims, aud: "elsewhere" })],
  ["that is not valid yet", () => sign({ ...claims, nbf: nowMs / 1000 + 120 })],
  ["without an expiry", () => sign({ ...claims, exp: undefined })],
  ["signed with HS512", () => sign(claims, { alg: "HS512" }, new TextEncoder().encode("c".repeat(64)))],
  ["with alg none", async () => unsigned({ iss: "ad4m", aud: "openai-compat", exp: nowMs / 1000 + 600, ...claims })],
  ["that names no account", () => sign({ capabilities: claims.capabilities })],
  ["without AD4M's capabilities", () => sign({ sub: "ada" })],
  ["that is no token", async () => "nonsense"],
  ["that is longer than any token, however genuine", () => mint({ appName: "x".repeat(8192) })],
  ["that looks like an unknown API key", async () => "sk-unknown"],
])("a token %s is refused with the same words", async (_, make) => {
  await expect(authenticatorAt(nowMs).authenticate(await make())).rejects.toMatchObject(refused);
});

test("only a token with a valid signature is refused as expired", async () => {
  const expired = await mint({ expiresInSeconds: -60 });
  await expect(authenticatorAt(nowMs).authenticate(expired)).rejects.toMatchObject({
    code: "invalid_credentials",
    message: expect.stringContaining("expired"),
  });
  const forged = expired.slice(0, expired.lastIndexOf(".")) + (await mint()).slice(expired.lastIndexOf("."));
  await expect(authenticatorAt(nowMs).authenticate(forged)).rejects.toMatchObject(refused);
});

const segment = fc.oneof(
  fc.string(),
  fc.base64String(),
  fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value)).toString("base64url")),
  fc
    .record(
      {
        alg: fc.constantFrom("HS256", "RS256", "ES256", "EdDSA", "none", "HS512", "", 1, null),
        kid: fc.jsonValue(),
        crit: fc.jsonValue(),
        b64: fc.jsonValue(),
      },
      { requiredKeys: [] },
    )
    .map((header) => Buffer.from(JSON.stringify(header)).toString("base64url")),
);

test("no text that is no token ends in anything but a refusal", async () => {
  const authenticator = authenticatorAt(nowMs);
  const text = fc.oneof(
    fc.string({ minLength: 1, unit: anyCharacter }),
    fc.array(segment, { minLength: 1, maxLength: 6 }).map((segments) => segments.join(".")),
  );
  await fc.assert(
    fc.asyncProperty(text, async (token) => {
      fc.pre(token !== "");
      await expect(authenticator.authenticate(token)).rejects.toMatchObject(refused);
    }),
    { numRuns: 300 },
  );
});

test("a tampered payload is refused", async () => {
  const [header, , signature] = (await mint()).split(".");
  const payload = Buffer.from(JSON.stringify({ ...claims, exp: nowMs / 1000 + 9999 })).toString("base64url");
  const token = `${header}.${payload}.${signature}`;
  await expect(authenticatorAt(nowMs).authenticate(token)).rejects.toMatchObject({ code: "invalid_credentials" });
});

test("an API key maps to its account until it expires or is revoked", async () => {
  const options = { accountId: "ada", name: "laptop", capabilities, expiresAtMs: nowMs + 1000, nowMs };
  const { secret, record } = generateApiKey(options);
  await expect(authenticatorAt(nowMs, storeOf(record)).authenticate(secret)).resolves.toMatchObject({
    accountId: "ada",
    credential: "api-key",
    credentialSha256: record.secretSha256,
    expiresAtMs: nowMs + 1000,
  });
  await expect(authenticatorAt(nowMs + 1000, storeOf(record)).authenticate(secret)).rejects.toMatchObject(refused);
  const revoked = storeOf({ ...record, revokedAtMs: nowMs });
  await expect(authenticatorAt(nowMs, revoked).authenticate(secret)).rejects.toMatchObject(refused);
});

test("an API key that does not expire says so", async () => {
  const { secret, record } = generateApiKey({ accountId: "ada", name: "k", capabilities, expiresAtMs: null, nowMs });
  const principal = await authenticatorAt(nowMs, storeOf(record)).authenticate(secret);
  expect(principal.expiresAtMs).toBeNull();
});

test("a remembered token still says when it is refused, which is when it is", async () => {
  const token = await mint({ expiresInSeconds: 60 });
  let timeMs = nowMs;
  const authenticator = createAuthenticator({
    apiKeys: storeOf(),
    tokenRevocations: fakeTokenRevocations(),
    jwt: settings,
    now: () => timeMs,
  });
  const first = await authenticator.authenticate(token);
  const again = await authenticator.authenticate(token);
  expect(again.expiresAtMs).toBe(first.expiresAtMs);
  timeMs = (again.expiresAtMs ?? 0) - 1;
  await expect(authenticator.authenticate(token)).resolves.toEqual(first);
  timeMs += 1;
  await expect(authenticator.authenticate(token)).rejects.toMatchObject({ code: "invalid_credentials" });
});

test("an unknown, a revoked and an expired API key cost one look-up each", async () => {
  const options = { accountId: "ada", name: "laptop", capabilities, nowMs };
  const [revoked, expired] = [
    generateApiKey({ ...options, expiresAtMs: null }),
    generateApiKey({ ...options, expiresAtMs: nowMs }),
  ];
  const store = storeOf({ ...revoked.record, revokedAtMs: nowMs }, expired.record);
  for (const secret of [revoked.secret, expired.secret, "sk-unknown"]) {
    let lookUps = 0;
    const counted: ApiKeyStore = {
      ...store,
      findBySecretSha256: (hash) => {
        lookUps += 1;
        return store.findBySecretSha256(hash);
      },
    };
    await expect(authenticatorAt(nowMs, counted).authenticate(secret)).rejects.toMatchObject(refused);
    expect(lookUps).toBe(1);
  }
});

test("without a JWT secret every JWT is refused", async () => {
  const stores = { apiKeys: storeOf(), tokenRevocations: fakeTokenRevocations() };
  const authenticator = createAuthenticator({ ...stores, jwt: null });
  await expect(authenticator.authenticate(await mint())).rejects.toMatchObject(refused);
});

test("a short JWT secret stops the server from starting", () => {
  const jwt = { ...settings, secret: "short" };
  const stores = { apiKeys: storeOf(), tokenRevocations: fakeTokenRevocations() };
  expect(() => createAuthenticator({ ...stores, jwt })).toThrow(/needs at least 32/);
});

test("a store that fails makes credentials unavailable, not refused", async () => {
  const fail = () => Promise.reject(new Error("connection lost"));
  const authenticator = createAuthenticator({
    apiKeys: { ...storeOf(), findBySecretSha256: fail },
    tokenRevocations: { ...fakeTokenRevocations(), isRevoked: fail },
    jwt: settings,
    now: () => nowMs,
  });
  const { secret } = generateApiKey({ accountId: "ada", name: "key", capabilities, expiresAtMs: null, nowMs });
  for (const token of [secret, await mint()]) {
    await expect(authenticator.authenticate(token)).rejects.toMatchObject({
      code: "identity_unavailable",
      retryAfterMs: 1000,
    });
  }
});

/**
 * One of the spellings below differs from the token only if the token has such letters, so one is minted that has them.
 */
async function mintWithBothLetters(): Promise<string> {
  for (;;) {
    const token = await mint();
    if (/-/.test(token) && /_/.test(token)) return token;
  }
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

test.each<readonly [string, (token: string) => string]>([
  ["padding behind the signature", (token) => `${token}=`],
  ["padding behind the payload", (token) => token.replace(/\.([^.]*)$/, "=.$1")],
  ["padding behind the header", (token) => token.replace(".", "==.")],
  ["the alphabet of plain base64", (token) => token.replaceAll("-", "+").replaceAll("_", "/")],
  ["a plus alone", (token) => token.replace("-", "+")],
  ["a space in the signature", (token) => `${token.slice(0, -5)} ${token.slice(-5)}`],
  ["a line break in the signature", (token) => `${token.slice(0, -5)}\n${token.slice(-5)}`],
  ["a tab behind it", (token) => `${token}\t`],
  ["a foreign letter in the signature", (token) => `${token.slice(0, -5)}*${token.slice(-5)}`],
  ["a zero byte behind it", (token) => `${token}\0`],
  ["spare bits that are set", (token) => token.slice(0, -1) + ALPHABET[ALPHABET.indexOf(token.at(-1) ?? "") + 1]],
  ["one letter more", (token) => `${token}A`],
  ["a fourth part", (token) => `${token}.`],
  ["five parts", (token) => `${token}.A.A`],
])("a genuine token respelled with %s is refused", async (_case, respell) => {
  const token = await mintWithBothLetters();
  const authenticator = authenticatorAt(nowMs);
  expect(respell(token)).not.toBe(token);
  await expect(authenticator.authenticate(respell(token))).rejects.toMatchObject(refused);
  await expect(authenticator.authenticate(token)).resolves.toMatchObject({ accountId: identity.accountId });
  await expect(authenticator.authenticate(respell(token)), "with the token remembered").rejects.toMatchObject(refused);
});
