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
