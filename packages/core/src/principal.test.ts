import { expect, test } from "vitest";
import { CAPABILITY_DOMAINS, CAPABILITY_VERBS, isGranted } from "./principal.ts";
import type { GrantedCapability } from "./principal.ts";

const principal = (...capabilities: GrantedCapability[]) =>
  ({
    accountId: "ada",
    appName: null,
    capabilities,
    credential: "jwt",
    credentialSha256: "",
    expiresAtMs: null,
  }) as const;

test.each([
  [{ domain: "ai", pointers: ["*"], can: ["PROMPT"] }, true],
  [{ domain: "*", pointers: ["*"], can: ["*"] }, true],
  [{ domain: "ai", pointers: ["*"], can: ["READ", "*"] }, true],
  [{ domain: "ai", pointers: ["*"], can: ["READ"] }, false],
  [{ domain: "perspective", pointers: ["*"], can: ["*"] }, false],
  [{ domain: "ai", pointers: [], can: ["PROMPT"] }, false],
  [{ domain: "ai", pointers: ["some-model"], can: ["PROMPT"] }, false],
  [{ domain: "AI", pointers: ["*"], can: ["prompt"] }, false],
])("the grant %j covers PROMPT in ai: %s", (grant, expected) => {
  expect(isGranted(principal(grant), { domain: "ai", can: "PROMPT" })).toBe(expected);
});

test("a principal without grants may do nothing", () => {
  expect(isGranted(principal(), { domain: "ai", can: "READ" })).toBe(false);
});

test.each(["ai", "*", "perspective", "Operator", "operator "])(
  "no grant of the domain %j covers anything of operators",
  (domain) => {
    const grants = [...CAPABILITY_VERBS, "*"].map((can) => ({ domain, pointers: ["*"], can: [can] }));
    for (const can of CAPABILITY_VERBS) {
      expect(isGranted(principal(...grants), { domain: "operator", can })).toBe(false);
    }
  },
);

test("a grant of the domain operator covers its own verbs, and nothing of another domain", () => {
  const everything = principal({ domain: "operator", pointers: ["*"], can: ["*"] });
  const reading = principal({ domain: "operator", pointers: ["*"], can: ["READ"] });
  for (const can of CAPABILITY_VERBS) {
    expect(isGranted(everything, { domain: "operator", can })).toBe(true);
    expect(isGranted(reading, { domain: "operator", can })).toBe(can === "READ");
    for (const domain of CAPABILITY_DOMAINS) {
      if (domain !== "operator") expect(isGranted(everything, { domain, can })).toBe(false);
    }
  }
});
