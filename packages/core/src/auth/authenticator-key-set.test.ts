/** The authenticator beside an issuer that publishes its keys. */

import { SignJWT, UnsecuredJWT, exportJWK, exportSPKI } from "jose";
import type { JSONWebKeySet, JWTHeaderParameters, JWTPayload } from "jose";
import { beforeAll, expect, onTestFinished, test, vi } from "vitest";
import type { ApiKeyStore } from "../store/api-key-store.ts";
import { fakeTokenRevocations } from "../testing/fake-token-revocations.ts";
import { createIssuerKey, signToken } from "../testing/token-issuer.ts";
import type { IssuerKey } from "../testing/token-issuer.ts";
import { createAuthenticator } from "./authenticator.ts";
import { mintToken } from "./jwt.ts";
import type { JwtSettings } from "./jwt.ts";
import { describeRevocation } from "./token-fingerprint.ts";

const ALGORITHMS = ["RS256", "ES256", "EdDSA"] as const;
const startMs = Date.parse("2026-11-23T12:00:00Z");
const keySet = {
  maxAgeMs: 600_000,
  staleGraceMs: 300_000,
  cooldownMs: 10_000,
};
const claims: JWTPayload = {
  iss: "https://issuer.example",
  aud: "openai-compat",
  sub: "ada",
  exp: startMs / 1000 + 7200,
  capabilities: { appName: "notes", capabilities: [{ with: { domain: "ai", pointers: ["*"] }, can: ["PROMPT"] }] },
};
const noKeys: ApiKeyStore = {
  insert: async () => {},
  findBySecretSha256: async () => null,
  list: async () => [],
  revoke: async () => false,
  close: async () => {},
};
const refused = { code: "invalid_credentials", message: "Incorrect API key provided." };
const unavailable = { code: "identity_unavailable" };

const keys = new Map<string, IssuerKey>();
beforeAll(async () => {
  for (const algorithm of [...ALGORITHMS, "PS256", "RS384", "ES384"]) {
    keys.set(algorithm, await createIssuerKey(algorithm, `key-${algorithm}`));
  }
});

function keyOf(algorithm: string): IssuerKey {
  const key = keys.get(algorithm);
  if (key === undefined) throw new Error(`There is no ${algorithm} key.`);
  return key;
}

const publish =
  (...published: readonly IssuerKey[]) =>
  async (): Promise<JSONWebKeySet> => ({ keys: published.map((key) => key.publicJwk) });

const isDown = () => Promise.reject(new Error("connection refused"));

function setUp() {
  const issuer = { answer: publish(...keys.values()), requests: 0 };
  const fetchSet = () => {
    issuer.requests += 1;
    return issuer.answer();
  };
  const clock = { nowMs: startMs };
  const jwt: JwtSettings = {
    secret: "a secret of at least thirty-two bytes",
    issuer: "https://issuer.example",
    audience: "openai-compat",
    clockToleranceSeconds: 30,
    keySet: { ...keySet, fetchSet },
  };
  const tokenRevocations = fakeTokenRevocations();
  const failures: string[] = [];
  const { authenticate } = createAuthenticator({
    apiKeys: noKeys,
    tokenRevocations,
    jwt,
    now: () => clock.nowMs,
    onKeySetFailure: (error) => void failures.push(error.message),
  });
  return { issuer, clock, jwt, tokenRevocations, failures, authenticate };
}

test.each(ALGORITHMS)("a token signed with %s by the issuer is accepted", async (algorithm) => {
  const { authenticate, jwt } = setUp();
  expect(await authenticate(await signToken(keyOf(algorithm), claims))).toEqual({
    accountId: "ada",
    appName: "notes",
    capabilities: [{ domain: "ai", pointers: ["*"], can: ["PROMPT"] }],
    credential: "jwt",
    credentialSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    expiresAtMs: ((claims.exp ?? 0) + jwt.clockToleranceSeconds) * 1000,
  });
});

test("many calls, with several keys, fetch the set once", async () => {
  const { authenticate, issuer } = setUp();
  const tokens = await Promise.all(ALGORITHMS.map((algorithm) => signToken(keyOf(algorithm), claims)));
  await Promise.all([...tokens, ...tokens].map((token) => authenticate(token)));
  for (const token of tokens) await authenticate(token);
  expect(issuer.requests).toBe(1);
});

const seconds = startMs / 1000;
const borders: readonly (readonly [string, Record<string, unknown>, boolean])[] = [
  ["another issuer", { iss: "https://mallory.example" }, false],
  ["no issuer", { iss: undefined }, false],
  ["another audience", { aud: "elsewhere" }, false],
  ["several audiences, this one among them", { aud: ["elsewhere", "openai-compat"] }, true],
  ["no audience", { aud: undefined }, false],
  ["no expiry", { exp: undefined }, false],
  ["an expiry within the tolerance", { exp: seconds - 29 }, true],
  ["an expiry at the tolerance", { exp: seconds - 30 }, false],
  ["a beginning at the tolerance", { nbf: seconds + 30 }, true],
  ["a beginning beyond the tolerance", { nbf: seconds + 31 }, false],
  ["a time that is a text", { nbf: "soon" }, false],
  ["no account", { sub: undefined }, false],
];

test.each(borders)(
  "a token with %s, of the issuer or of the secret, is judged alike",
  async (_case, change, accepted) => {
    const { authenticate, jwt } = setUp();
    const changed = { ...claims, ...change };
    const ofSecret = await new SignJWT(changed)
      .setProtectedHeader({ alg: "HS256" })
      .sign(new TextEncoder().encode(jwt.secret));
    for (const token of [ofSecret, await signToken(keyOf("ES256"), changed)]) {
      const outcome = await authenticate(token).then(
        () => true,
        (thrown: unknown) => {
          expect(thrown).toMatchObject({ code: "invalid_credentials" });
          return false;
        },
      );
      expect(outcome).toBe(accepted);
    }
  },
);

/** A key pair that the issuer does not know, under the id of one that it does. */
async function forge(header: Partial<JWTHeaderParameters>, algorithm = "ES256"): Promise<string> {
  const stranger = await createIssuerKey(algorithm, keyOf(algorithm).id);
  return signToken(stranger, claims, { jwk: await exportJWK(stranger.publicKey), ...header });
}

async function signWithPublicBytes(bytes: string): Promise<string> {
  const { id } = keyOf("RS256");
  return new SignJWT(claims).setProtectedHeader({ alg: "HS256", kid: id }).sign(new TextEncoder().encode(bytes));
}

const withHeader = (header: Partial<JWTHeaderParameters>) => signToken(keyOf("ES256"), claims, header);

test.each<[string, () => Promise<string>]>([
  ["of a stranger, with its key embedded", () => forge({})],
  ["of a stranger, with the address of its key", () => forge({ jku: "http://127.0.0.1:1/keys" })],
  ["of a stranger, with the address of its certificate", () => forge({ x5u: "http://127.0.0.1:1/certificate" })],
  ["with alg none", async () => new UnsecuredJWT(claims).encode()],
  [
    "under the public key's PEM as a secret",
    async () => signWithPublicBytes(await exportSPKI(keyOf("RS256").publicKey)),
  ],
  ["under the public key's JWK as a secret", () => signWithPublicBytes(JSON.stringify(keyOf("RS256").publicJwk))],
  ["of the issuer, with an algorithm that is not accepted", () => signToken(keyOf("PS256"), claims)],
  ["of the issuer, with RS384", () => signToken(keyOf("RS384"), claims)],
  ["of the issuer, with ES384", () => signToken(keyOf("ES384"), claims)],
  ["of the issuer, under the id of a key of another algorithm", () => withHeader({ kid: keyOf("RS256").id })],
  ["of the issuer, under an id that is none", () => withHeader({ kid: "made up" })],
  ["of the issuer, with an extension that must be understood", () => withHeader({ crit: ["b64"], b64: true })],
])("a token %s is refused with the same words", async (_case, make) => {
  const { authenticate } = setUp();
  await expect(authenticate(await make())).rejects.toMatchObject(refused);
});

test("where a token says that its key lies is not read when the issuer's key signed it", async () => {
  const { authenticate } = setUp();
  const fetchSpy = vi.spyOn(globalThis, "fetch");
  onTestFinished(() => fetchSpy.mockRestore());
  await authenticate(await withHeader({ jku: "http://127.0.0.1:1/keys", x5u: "http://127.0.0.1:1/certificate" }));
  expect(fetchSpy).not.toHaveBeenCalled();
});

test("without a key set, a token of an issuer is refused and nothing is fetched", async () => {
  const { issuer, jwt, tokenRevocations } = setUp();
  const { keySet: _unused, ...secretAlone } = jwt;
  const { authenticate } = createAuthenticator({ apiKeys: noKeys, tokenRevocations, jwt: secretAlone });
  await expect(authenticate(await signToken(keyOf("ES256"), claims))).rejects.toMatchObject(refused);
  expect(issuer.requests).toBe(0);
});

test("a token of a new key is accepted as soon as the issuer publishes the key", async () => {
  const { authenticate, issuer, clock } = setUp();
  const next = await createIssuerKey("ES256", "next");
  await authenticate(await signToken(keyOf("ES256"), claims));
  issuer.answer = publish(keyOf("ES256"), next);
  clock.nowMs += keySet.cooldownMs;
  await expect(authenticate(await signToken(next, claims))).resolves.toMatchObject({ accountId: "ada" });
});

test("a remembered token is refused once the set without its key is due, and the key's neighbours go on", async () => {
  const { authenticate, issuer, clock } = setUp();
  const [withdrawn, kept] = [await signToken(keyOf("ES256"), claims), await signToken(keyOf("RS256"), claims)];
  await authenticate(withdrawn);
  await authenticate(kept);
  issuer.answer = publish(keyOf("RS256"));
  clock.nowMs += keySet.maxAgeMs - 1;
  await expect(authenticate(withdrawn)).resolves.toMatchObject({ accountId: "ada" });
  clock.nowMs += 1;
  await expect(authenticate(withdrawn)).rejects.toMatchObject(refused);
  await expect(authenticate(kept)).resolves.toMatchObject({ accountId: "ada" });
});

test("a remembered token is refused as soon as any call has fetched the set without its key", async () => {
  const { authenticate, issuer, clock } = setUp();
  const [withdrawn, other] = [await signToken(keyOf("ES256"), claims), await createIssuerKey("ES256", "other")];
  await authenticate(withdrawn);
  issuer.answer = publish(other);
  clock.nowMs += keySet.cooldownMs;
  await authenticate(await signToken(other, claims));
  await expect(authenticate(withdrawn)).rejects.toMatchObject(refused);
});

test("a revoked token of the issuer is refused at once", async () => {
  const { authenticate, tokenRevocations } = setUp();
  const token = await signToken(keyOf("ES256"), claims);
  await authenticate(token);
  const { tokenSha256 = "", expiresAtMs = 0 } = describeRevocation(token) ?? {};
  await tokenRevocations.revoke(tokenSha256, expiresAtMs);
  await expect(authenticate(token)).rejects.toMatchObject(refused);
});

test("an issuer that does not answer makes its tokens unavailable, not refused, and no other token", async () => {
  const { authenticate, issuer, jwt, failures } = setUp();
  issuer.answer = isDown;
  await expect(authenticate(await signToken(keyOf("ES256"), claims))).rejects.toMatchObject(unavailable);
  expect(failures).toEqual(["connection refused"]);
  const capabilities = [{ domain: "ai", pointers: ["*"], can: ["PROMPT"] }];
  const identity = { accountId: "grace", appName: null, capabilities };
  const own = await mintToken({ settings: jwt, ...identity, expiresInSeconds: 60, nowMs: startMs });
  await expect(authenticate(own)).resolves.toMatchObject({ accountId: "grace" });
});

test("while the issuer does not answer, tokens go on until the grace is over, remembered or not", async () => {
  const { authenticate, issuer, clock, failures } = setUp();
  const token = await signToken(keyOf("ES256"), claims);
  await authenticate(token);
  issuer.answer = isDown;
  clock.nowMs += keySet.maxAgeMs + keySet.staleGraceMs - 1;
  await expect(authenticate(token)).resolves.toMatchObject({ accountId: "ada" });
  await expect(authenticate(await signToken(keyOf("RS256"), claims))).resolves.toMatchObject({ accountId: "ada" });
  clock.nowMs += 1;
  await expect(authenticate(token)).rejects.toMatchObject(unavailable);
  expect(failures).toHaveLength(1);
});

test("a token that expires while its key is fetched is refused", async () => {
  const { authenticate, issuer, clock } = setUp();
  issuer.answer = () => {
    clock.nowMs += 60_000;
    return publish(keyOf("ES256"))();
  };
  const expiring = { ...claims, exp: seconds + 20 };
  await expect(authenticate(await signToken(keyOf("ES256"), expiring))).rejects.toMatchObject({
    code: "invalid_credentials",
    message: expect.stringContaining("expired"),
  });
});
