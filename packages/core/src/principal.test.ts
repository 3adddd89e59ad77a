import { expect, test } from "vitest";
import { isGranted } from "./principal.ts";
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
