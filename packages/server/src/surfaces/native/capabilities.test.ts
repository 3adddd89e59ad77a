/** Every procedure of the list, called with every kind of grant: what it needs is what it takes, and nothing else. */

import type { GrantedCapability } from "@openai-compat/core";
import { nativeProcedures } from "@openai-compat/spec";
import type { NativePath, NativeProcedure } from "@openai-compat/spec";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestApp } from "../../testing/test-server.ts";

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys of a record that is not widened
const PATHS = Object.keys(nativeProcedures) as NativePath[];
const VERBS = ["READ", "PROMPT", "TRANSCRIBE", "CREATE", "UPDATE", "DELETE", "*"] as const;
const DOMAINS = ["ai", "operator", "*", "neighbourhood"] as const;

let started: Awaited<ReturnType<typeof createTestApp>>;
let secrets: Map<string, string>;
beforeAll(async () => {
  started = await createTestApp({ config: { rateLimits: { refusalsPerMinute: null } } });
  secrets = new Map();
  for (const domain of DOMAINS) {
    for (const verb of VERBS) {
      const grant: GrantedCapability = { domain, pointers: ["*"], can: [verb] };
      secrets.set(`${domain}:${verb}`, await started.keys.mintFor("ada", [grant]));
    }
  }
  secrets.set("nothing:", await started.keys.mintFor("ada", []));
});
afterAll(() => secrets.clear());

function covers(grant: string, { domain, can }: NativeProcedure["capability"]): boolean {
  const [grantedDomain, verb] = grant.split(":");
  const isDomain = grantedDomain === domain || (grantedDomain === "*" && domain !== "operator");
  return isDomain && (verb === can || verb === "*");
}

test.each(PATHS)(
  "%s takes the grants that cover it, and refuses every other before its input is read",
  async (path) => {
    const { type, capability }: NativeProcedure = nativeProcedures[path];
    for (const [grant, secret] of secrets) {
      // No input is good: whoever may call gets as far as that.
      const response = await started.request(`/trpc/${path}`, {
        method: type === "mutation" ? "POST" : "GET",
        headers: { authorization: `Bearer ${secret}`, "content-type": "application/json" },
        ...(type === "mutation" ? { body: "not JSON" } : {}),
      });
      const text = await response.text();
      const isRefused = text.includes('"insufficient_permissions"');
      expect({ grant, isRefused }).toEqual({ grant, isRefused: !covers(grant, capability) });
      expect(response.status === 403).toBe(isRefused);
      // A server that lacks a kind of model says so, as on /v1.
      expect([500, 503]).not.toContain(response.status);
    }
  },
);

test("operators are named: neither `*` nor a grant of `ai` makes one", () => {
  const operator = PATHS.filter((path) => nativeProcedures[path].capability.domain === "operator");
  expect(operator.toSorted()).toEqual(PATHS.filter((path) => /^(?:accounts|keys|credits)\./.test(path)).toSorted());
  for (const path of operator) {
    expect(covers("*:*", nativeProcedures[path].capability)).toBe(false);
    expect(covers("ai:*", nativeProcedures[path].capability)).toBe(false);
  }
});
