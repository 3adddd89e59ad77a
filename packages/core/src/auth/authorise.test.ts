import { expect, test } from "vitest";
import { AiError } from "../ai-error.ts";
import { authorise, createCallId } from "./authorise.ts";

const operation = { id: "sayHello", capability: { domain: "ai", can: "PROMPT" } } as const;

function options(can: readonly string[]) {
  return {
    operation,
    shownAs: "say.hello",
    principal: {
      accountId: "ada",
      appName: null,
      capabilities: [{ domain: "ai", pointers: ["*"], can }],
      credential: "jwt",
      credentialSha256: "0".repeat(64),
      expiresAtMs: 5,
    },
    callId: createCallId(),
    requestId: "req_1",
    signal: new AbortController().signal,
    onRateLimit: () => {},
  } as const;
}

test("an operation of any surface is authorised by its id and its capability alone", () => {
  const given = options(["PROMPT"]);
  const call = authorise(given);
  expect(call).not.toHaveProperty("shownAs");
  expect({ ...call, shownAs: given.shownAs }).toEqual(given);
});

test("a refusal names the operation as its surface shows it, and what is missing", () => {
  expect(() => authorise(options(["READ"]))).toThrow(
    new AiError(
      "capability_missing",
      'This credential may not use say.hello: it lacks the capability PROMPT in the domain "ai".',
    ),
  );
});

test("no two calls have the same id", () => {
  const ids = Array.from({ length: 100 }, createCallId);
  expect(new Set(ids).size).toBe(100);
  for (const id of ids) expect(id).toMatch(/^call_[0-9a-f]{32}$/);
});
