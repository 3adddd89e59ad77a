import type { JSONWebKeySet, JWK } from "jose";
import { beforeAll, expect, test } from "vitest";
import { createIssuerKey } from "../testing/token-issuer.ts";
import type { IssuerKey } from "../testing/token-issuer.ts";
import { createKeySet } from "./key-set.ts";

const settings = {
  maxAgeMs: 600_000,
  staleGraceMs: 300_000,
  cooldownMs: 10_000,
};

let first: IssuerKey;
let second: IssuerKey;
beforeAll(async () => {
  first = await createIssuerKey("EdDSA", "first");
  second = await createIssuerKey("EdDSA", "second");
});

/** A key set whose issuer publishes, fails or hangs as the test says. */
function setUp(...published: JWK[]) {
  const issuer = {
    nowMs: 1_000_000_000,
    keys: published,
    isDown: false,
    hangs: false,
    fetches: 0,
    failures: [] as string[],
  };
  async function fetchSet(): Promise<JSONWebKeySet> {
    issuer.fetches += 1;
    if (issuer.hangs) await new Promise(() => {});
    if (issuer.isDown) throw new Error("connection refused");
    return { keys: issuer.keys };
  }
  const keySet = createKeySet({
    settings: { ...settings, fetchSet },
    now: () => issuer.nowMs,
    onFailure: (error) => void issuer.failures.push(error.message),
  });
  const find = async (kid: string) => (await keySet.resolveKey({ alg: "EdDSA", kid }))?.revision ?? null;
  return { issuer, keySet, find };
}

const unavailable = { code: "identity_unavailable" };

test("calls that come at once before there is a set cause one fetch", async () => {
  const { issuer, find } = setUp(first.publicJwk);
  expect(await Promise.all([find("first"), find("first"), find("first")])).toEqual([1, 1, 1]);
  expect(issuer.fetches).toBe(1);
});

test("a set is used up to its age without asking again, then a call waits for the next", async () => {
  const { issuer, find } = setUp(first.publicJwk, second.publicJwk);
  await find("first");
  issuer.keys = [second.publicJwk];
  issuer.nowMs += settings.maxAgeMs - 1;
  expect(await find("first")).toBe(1);
  expect(issuer.fetches).toBe(1);
  issuer.nowMs += 1;
  expect(await find("first")).toBeNull();
  expect(await find("second")).toBe(2);
  expect(issuer.fetches).toBe(2);
});

test("a key id that is not in the set fetches it again, and concurrent calls wait for the same", async () => {
  const { issuer, find } = setUp(first.publicJwk);
  await find("first");
  issuer.keys = [first.publicJwk, second.publicJwk];
  issuer.nowMs += settings.cooldownMs;
  expect(await Promise.all([find("second"), find("second")])).toEqual([2, 2]);
  expect(issuer.fetches).toBe(2);
});

test("made-up key ids cause one fetch per cooldown at the most, whether or not the issuer answers", async () => {
  const { issuer, find } = setUp(first.publicJwk);
  await find("first");
  const flood = () => Promise.allSettled(Array.from({ length: 50 }, (_, number) => find(`made-up ${number}`)));
  issuer.nowMs += settings.cooldownMs - 1;
  await flood();
  expect(issuer.fetches).toBe(1);
  issuer.nowMs += 1;
  await flood();
  expect(await find("another")).toBeNull();
  expect(issuer.fetches).toBe(2);
  issuer.isDown = true;
  issuer.nowMs += settings.cooldownMs;
  await flood();
  await flood();
  expect(issuer.fetches).toBe(3);
});

test("without a set, an issuer that does not answer is asked once per cooldown, and the error says when to retry", async () => {
  const { issuer, find } = setUp(first.publicJwk);
  issuer.isDown = true;
  await expect(find("first")).rejects.toMatchObject({ ...unavailable, retryAfterMs: settings.cooldownMs });
  issuer.isDown = false;
  issuer.nowMs += settings.cooldownMs - 1;
  await expect(find("first")).rejects.toMatchObject({ ...unavailable, retryAfterMs: 1000 });
  expect(issuer.fetches).toBe(1);
  issuer.nowMs += 1;
  expect(await find("first")).toBe(1);
  expect(issuer.failures).toEqual(["connection refused"]);
});

test("while the issuer does not answer, known keys serve until the grace is over", async () => {
  const { issuer, find } = setUp(first.publicJwk);
  await find("first");
  issuer.isDown = true;
  issuer.nowMs += settings.maxAgeMs;
  expect(await find("first")).toBe(1);
  issuer.nowMs += settings.staleGraceMs - 1;
  expect(await find("first")).toBe(1);
  issuer.nowMs += 1;
  await expect(find("first")).rejects.toMatchObject(unavailable);
});

test("in an outage only the first call waits: later ones go on while the issuer is asked beside them", async () => {
  const { issuer, find } = setUp(first.publicJwk);
  await find("first");
  issuer.isDown = true;
  issuer.nowMs += settings.maxAgeMs;
  await find("first");
  issuer.hangs = true;
  issuer.nowMs += settings.cooldownMs;
  expect(await find("first")).toBe(1);
  expect(issuer.fetches).toBe(3);
});

test("when the issuer answers again, a key that it withdrew meanwhile is refused", async () => {
  const { issuer, find } = setUp(first.publicJwk);
  await find("first");
  issuer.isDown = true;
  issuer.nowMs += settings.maxAgeMs;
  await find("first");
  Object.assign(issuer, { isDown: false, keys: [second.publicJwk] });
  issuer.nowMs += settings.cooldownMs;
  await find("first");
  expect(await find("first")).toBeNull();
  expect(await find("second")).toBe(2);
});

test("a fetch that failed while the set was young is no outage: the old set is not used before the issuer was asked", async () => {
  const { issuer, find } = setUp(first.publicJwk);
  await find("first");
  issuer.isDown = true;
  issuer.nowMs += settings.cooldownMs;
  await expect(find("second")).rejects.toMatchObject(unavailable);
  Object.assign(issuer, { isDown: false, keys: [second.publicJwk] });
  issuer.nowMs += settings.maxAgeMs - settings.cooldownMs;
  expect(await find("first")).toBeNull();
});

test("a key that is not known while the issuer does not answer may be a new one, so it is not refused", async () => {
  const { issuer, find } = setUp(first.publicJwk);
  await find("first");
  issuer.isDown = true;
  issuer.nowMs += settings.cooldownMs;
  await expect(find("second")).rejects.toMatchObject(unavailable);
  await expect(find("second")).rejects.toMatchObject(unavailable);
  expect(await find("first")).toBe(1);
});

test("the revision changes with the keys and not with a refresh, and there is none when a refresh is due", async () => {
  const { issuer, keySet, find } = setUp(first.publicJwk);
  expect(keySet.usableRevision()).toBeNull();
  await find("first");
  expect(keySet.usableRevision()).toBe(1);
  issuer.nowMs += settings.maxAgeMs;
  expect(keySet.usableRevision()).toBeNull();
  expect(await find("first")).toBe(1);
  issuer.keys = [first.publicJwk, second.publicJwk];
  issuer.nowMs += settings.maxAgeMs;
  expect(await find("first")).toBe(2);
  expect(keySet.usableRevision()).toBe(2);
});

test("in an outage the revision stays usable between two attempts, and ends with the grace", async () => {
  const { issuer, keySet, find } = setUp(first.publicJwk);
  await find("first");
  issuer.isDown = true;
  issuer.nowMs += settings.maxAgeMs;
  await find("first");
  expect(keySet.usableRevision()).toBe(1);
  issuer.nowMs += settings.cooldownMs;
  expect(keySet.usableRevision()).toBeNull();
  issuer.nowMs += settings.staleGraceMs;
  expect(keySet.usableRevision()).toBeNull();
});

test("a clock that was set back makes the set old, not young", async () => {
  const { issuer, keySet, find } = setUp(first.publicJwk);
  await find("first");
  issuer.nowMs -= 1;
  expect(keySet.usableRevision()).toBeNull();
  await find("first");
  expect(issuer.fetches).toBe(2);
});

test("a header without a key id finds the key of its algorithm when there is one, and none when there are two", async () => {
  const single = setUp(first.publicJwk, (await createIssuerKey("ES256", "other")).publicJwk);
  expect(await single.keySet.resolveKey({ alg: "EdDSA" })).toMatchObject({ revision: 1 });
  const several = setUp(first.publicJwk, second.publicJwk);
  expect(await several.keySet.resolveKey({ alg: "EdDSA" })).toBeNull();
});

test("a secret in the set is no key of it, and one for encryption signs nothing", async () => {
  const { find } = setUp({ kty: "oct", kid: "first", k: "AAAA" }, { ...second.publicJwk, use: "enc" });
  expect(await find("first")).toBeNull();
  expect(await find("second")).toBeNull();
});

test("a published key that can't be read leaves the others in force and is the issuer's failure, not the caller's", async () => {
  const { find } = setUp({ ...first.publicJwk, x: "AA" }, second.publicJwk);
  expect(await find("second")).toBe(1);
  await expect(find("first")).rejects.toMatchObject(unavailable);
});
