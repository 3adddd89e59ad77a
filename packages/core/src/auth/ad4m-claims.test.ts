import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeAd4mClaims, encodeAd4mClaims } from "./ad4m-claims.ts";

const grant = fc.record({
  domain: fc.string(),
  pointers: fc.array(fc.string(), { maxLength: 4 }),
  can: fc.array(fc.string(), { maxLength: 4 }),
});

test("what was encoded is decoded as the same identity", () => {
  const identity = fc.record({
    accountId: fc.string({ minLength: 1, maxLength: 320 }),
    appName: fc.string(),
    capabilities: fc.array(grant, { maxLength: 8 }),
  });
  fc.assert(
    fc.property(identity, (value) => {
      expect(decodeAd4mClaims(encodeAd4mClaims(value))).toEqual(value);
    }),
  );
});

test("any JSON is read without an exception", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue(), (claims, capabilities) => {
      const identity = decodeAd4mClaims({ ...claims, capabilities });
      expect(identity === null || identity.accountId !== "").toBe(true);
    }),
  );
});

test("userEmail names the account where sub does not", () => {
  const capabilities = { appName: "notes", capabilities: [] };
  expect(decodeAd4mClaims({ userEmail: "ada@example.com", capabilities })?.accountId).toBe("ada@example.com");
});

test("a grant that can't be read grants nothing and leaves the others in force", () => {
  const good = { with: { domain: "ai", pointers: ["*"] }, can: ["READ"] };
  const bad = { with: { domain: "ai", pointers: "*" }, can: ["PROMPT"] };
  const identity = decodeAd4mClaims({ sub: "ada", capabilities: { capabilities: [bad, good, null] } });
  expect(identity?.capabilities).toEqual([{ domain: "ai", pointers: ["*"], can: ["READ"] }]);
});

const countGranted = (capability: unknown) =>
  decodeAd4mClaims({ sub: "ada", capabilities: { capabilities: [capability] } })?.capabilities.length;
const makeGrant = ({ can = ["READ"], ...within }: { domain?: unknown; pointers?: unknown; can?: unknown }) => ({
  with: { domain: "ai", pointers: ["*"], ...within },
  can,
});
const texts = (length: number) => Array.from({ length }, () => "x");

test.each([
  [makeGrant({}), 1],
  [makeGrant({ pointers: texts(256), can: texts(256) }), 1],
  [makeGrant({ pointers: texts(257) }), 0],
  [makeGrant({ can: texts(257) }), 0],
  [makeGrant({ pointers: ["a", 1] }), 0],
  [makeGrant({ can: [null] }), 0],
  [makeGrant({ can: "READ" }), 0],
  [makeGrant({ domain: null }), 0],
  [{ with: ["ai"], can: ["READ"] }, 0],
  [{ with: null, can: ["READ"] }, 0],
  [{ can: ["READ"] }, 0],
  [[], 0],
  ["ai", 0],
])("of the grants [%j] so many grant something: %i", (capability, count) => {
  expect(countGranted(capability)).toBe(count);
});

test("of a token's grants the first 256 count", () => {
  const capabilities = Array.from({ length: 300 }, () => makeGrant({}));
  expect(decodeAd4mClaims({ sub: "ada", capabilities: { capabilities } })?.capabilities).toHaveLength(256);
});

test.each([
  [{ sub: "s", userEmail: "e" }, "s"],
  [{ sub: "", userEmail: "e" }, "e"],
  [{ sub: 5, userEmail: "e" }, "e"],
  [{ sub: "x".repeat(320), userEmail: "e" }, "x".repeat(320)],
  [{ sub: "x".repeat(321), userEmail: "e" }, "e"],
  [{ sub: "", userEmail: "" }, undefined],
  [{}, undefined],
])("%j names the account %j", (names, accountId) => {
  expect(decodeAd4mClaims({ ...names, capabilities: { capabilities: [] } })?.accountId).toBe(accountId);
});

test.each([undefined, null, "x", [], {}, { capabilities: {} }, { capabilities: null }])(
  "with the capabilities %j a token identifies no account",
  (capabilities) => {
    expect(decodeAd4mClaims({ sub: "ada", capabilities })).toBeNull();
  },
);

test("an application without a name, or with one that is no text, has none", () => {
  const appNameOf = (holder: object) =>
    decodeAd4mClaims({ sub: "ada", capabilities: { capabilities: [], ...holder } })?.appName;
  expect([{}, { appName: 1 }, { appName: "notes" }].map(appNameOf)).toEqual([null, null, "notes"]);
  const anonymous = { accountId: "ada", appName: null, capabilities: [] };
  expect(encodeAd4mClaims(anonymous)["capabilities"]).toMatchObject({ appName: "", appDesc: "", appUrl: "" });
});
