import { AiError, createCallId } from "@openai-compat/core";
import type { Authenticator, Principal } from "@openai-compat/core";
import { expect, test, vi } from "vitest";
import { createCallOpener, createSessionOpener } from "./open-call.ts";

const operation = {
  id: "startSession",
  capability: { domain: "ai", can: "PROMPT" },
  shownAs: "GET /realtime",
} as const;

const ADA: Principal = {
  accountId: "ada",
  appName: null,
  capabilities: [{ domain: "ai", pointers: ["*"], can: ["PROMPT"] }],
  credential: "jwt",
  credentialSha256: "0".repeat(64),
  expiresAtMs: 1000,
};

async function authenticate(token: string | null): Promise<Principal> {
  if (token === "good") return ADA;
  if (token === "weak") return { ...ADA, capabilities: [] };
  throw new AiError(token === null ? "missing_credentials" : "invalid_credentials", "No.");
}

const authenticator: Authenticator = {
  authenticate,
  openSession: async (token) => ({
    principal: await authenticate(token),
    configuration: '{"type":"transcription"}',
    renew: () => authenticate("good"),
  }),
};

function createScope(authorization: string | null) {
  return {
    callId: createCallId(),
    requestId: "req_1",
    headers: new Headers(authorization === null ? {} : { authorization }),
    signal: new AbortController().signal,
    facts: { operationId: null, accountId: null },
    onRateLimit: vi.fn(),
  };
}

test("a call is opened for the account of the credential, with the fields of its scope", async () => {
  const scope = createScope("Bearer good");
  const call = await createCallOpener(authenticator)(operation, scope);
  expect(call).toEqual({
    operation: { id: operation.id, capability: operation.capability },
    principal: ADA,
    callId: scope.callId,
    requestId: "req_1",
    signal: scope.signal,
    onRateLimit: scope.onRateLimit,
  });
  expect(scope.facts).toEqual({ operationId: "startSession", accountId: "ada" });
});

test.each([
  ["no credential", null, "missing_credentials", null],
  ["another scheme", "Basic good", "missing_credentials", null],
  ["a wrong credential", "Bearer bad", "invalid_credentials", null],
  ["a credential without the capability", "Bearer weak", "capability_missing", "ada"],
])("%s is refused before there is a response, and logged as what it was for", async (_name, sent, code, accountId) => {
  const scope = createScope(sent);
  await expect(createCallOpener(authenticator)(operation, scope)).rejects.toMatchObject({ code });
  expect(scope.facts).toEqual({ operationId: "startSession", accountId });
});

test("a refusal names the operation as its surface does", async () => {
  await expect(createCallOpener(authenticator)(operation, createScope("Bearer weak"))).rejects.toThrow(
    'This credential may not use GET /realtime: it lacks the capability PROMPT in the domain "ai".',
  );
});

test("each turn of a session is a call of its own, and its credential is looked at again", async () => {
  const { headers: _headers, ...scope } = createScope(null);
  const session = await createSessionOpener(authenticator)(operation, { ...scope, token: "good" });
  expect(session).toMatchObject({ call: { principal: ADA, callId: scope.callId }, configuration: expect.any(String) });
  const turns = [await session.renew(), await session.renew()];
  expect(turns).toMatchObject([{ requestId: "req_1" }, { requestId: "req_1" }]);
  expect(new Set([scope.callId, ...turns.map(({ callId }) => callId)]).size).toBe(3);
});

test("a session is refused to a credential without the capability, when it begins and later", async () => {
  const { headers: _headers, ...scope } = createScope(null);
  const openWeak = createSessionOpener(authenticator)(operation, { ...scope, token: "weak" });
  await expect(openWeak).rejects.toMatchObject({ code: "capability_missing" });
  const weakened = createSessionOpener({
    ...authenticator,
    openSession: async () => ({ principal: ADA, configuration: null, renew: () => authenticate("weak") }),
  });
  const session = await weakened(operation, { ...scope, token: "good" });
  await expect(session.renew()).rejects.toMatchObject({ code: "capability_missing" });
});
