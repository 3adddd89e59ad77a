import fc from "fast-check";
import { anyCharacter } from "../testing/any-character.ts";
import { SignJWT, jwtVerify } from "jose";
import { expect, test } from "vitest";
import { createIssuerKey, signToken } from "../testing/token-issuer.ts";
import { describeRevocation, fingerprintToken } from "./token-fingerprint.ts";

const secret = new TextEncoder().encode("a secret of at least thirty-two bytes");
const sign = (claims: Record<string, unknown>) => new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(secret);

const encode = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64url");

test("tokens that differ in one claim have different fingerprints", async () => {
  expect(fingerprintToken(await sign({ nonce: 1 }))).not.toBe(fingerprintToken(await sign({ nonce: 2 })));
  expect(fingerprintToken(await sign({ nonce: 1 }))).toMatch(/^[0-9a-f]{64}$/);
});

test("a signature whose spare bits were changed is still valid and has the same fingerprint", async () => {
  const token = await sign({ sub: "ada" });
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const last = alphabet.indexOf(token.at(-1) ?? "");
  const rewritten = token.slice(0, -1) + alphabet[last + 1];
  expect((await jwtVerify(rewritten, secret)).payload.sub).toBe("ada");
  expect(fingerprintToken(rewritten)).toBe(fingerprintToken(token));
});

/** The order of P-256's group (FIPS 186-5): with s, n - s is a valid signature too. */
const GROUP_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

test("the twin of an ECDSA signature is valid and has the same fingerprint", async () => {
  const key = await createIssuerKey("ES256", "key");
  const token = await signToken(key, { sub: "ada" });
  const [header, payload, signature = ""] = token.split(".");
  const bytes = Buffer.from(signature, "base64url");
  const s = BigInt(`0x${bytes.subarray(32).toString("hex")}`);
  const twinS = Buffer.from((GROUP_ORDER - s).toString(16).padStart(64, "0"), "hex");
  const twin = `${header}.${payload}.${encode(Buffer.concat([bytes.subarray(0, 32), twinS]))}`;
  expect(twin).not.toBe(token);
  expect((await jwtVerify(twin, key.publicKey)).payload.sub).toBe("ada");
  expect(fingerprintToken(twin)).toBe(fingerprintToken(token));
});

test("a revocation outlives the token by the widest tolerance that a server may have", async () => {
  const token = await sign({ exp: 1000 });
  expect(describeRevocation(token)).toEqual({ tokenSha256: fingerprintToken(token), expiresAtMs: 1_600_000 });
});

test.each([
  [1.0001, 601_001],
  [1e300, Number.MAX_SAFE_INTEGER],
  [-1e300, 0],
])("an expiry of %d s is kept as the whole number %d ms", async (exp, expiresAtMs) => {
  expect(describeRevocation(await sign({ exp }))).toMatchObject({ expiresAtMs });
});

test("an expiry beyond all numbers can be revoked too", () => {
  const token = `a.${encode(Buffer.from('{"exp":1e999}'))}.c`;
  expect(describeRevocation(token)).toMatchObject({ expiresAtMs: Number.MAX_SAFE_INTEGER });
});

test("a text that no server accepts needs no revocation", async () => {
  expect(describeRevocation(await sign({ sub: "ada" }))).toBeNull();
  expect(describeRevocation(`a.${encode(Buffer.from('{"exp":"soon"}'))}.c`)).toBeNull();
  expect(describeRevocation(`${"x".repeat(8192)}${await sign({ exp: 1 })}`)).toBeNull();
  expect(describeRevocation("sk-key")).toBeNull();
});

test("any text is described without an exception", () => {
  fc.assert(
    fc.property(fc.string({ unit: anyCharacter }), fc.jsonValue(), (text, claims) => {
      expect(fingerprintToken(text)).toMatch(/^[0-9a-f]{64}$/);
      for (const token of [text, `a.${encode(Buffer.from(JSON.stringify(claims)))}.c`]) {
        const revocation = describeRevocation(token);
        expect(revocation === null || Number.isSafeInteger(revocation.expiresAtMs)).toBe(true);
      }
    }),
  );
});
