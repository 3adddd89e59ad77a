/** Checks of who is let in: the matrix of operations and bad credentials, and the order of refusals. */

import OpenAI from "openai";
import type { CheckContext, Credential } from "../src/check-context.ts";
import { type Check, defineCheck } from "../src/check.ts";
import { expectHeader, expectSdkError, expectStatus, expectThat } from "../src/expect.ts";
import { bodyText } from "../src/response-body.ts";
import {
  CREDENTIAL_PROBES,
  type CredentialProbe,
  OPERATION_PROBES,
  type OperationProbe,
  probeAuth,
  UNKNOWN_KEY,
} from "./support/auth-probes.ts";
import { composeChat, composeSdkStream, expectAccepted } from "./support/chat-calls.ts";
import { requireError, requireStatus } from "./support/envelope.ts";

const AUTH = {
  area: "auth",
  level: "must",
  tier: "protocol",
  operation: "createChatCompletion",
  needs: ["key:full", "model:chat"],
} as const;

function defineAuthCheck(operation: OperationProbe, credential: CredentialProbe): Check {
  const isForbidden = credential.status === 403;
  return defineCheck({
    ...AUTH,
    id: `auth.${operation.slug}.${credential.slug}`,
    level: credential.level,
    requirement: `${credential.subject} is refused with ${credential.status} by ${operation.operation}.`,
    reference: isForbidden
      ? "RFC 9110 section 15.5.4; openai-node core/error.ts PermissionDeniedError"
      : "RFC 9110 section 15.5.2; openai-node core/error.ts AuthenticationError; openai/openai-cookbook#2347",
    breaks: credential.breaks,
    operation: operation.operation,
    needs: [...operation.needs, ...credential.needs],
    async run(context) {
      const { exchange, outcome } = await probeAuth(context, operation, credential);
      expectStatus(exchange, credential.status);
      if (outcome === null) return;
      if (isForbidden) expectSdkError(outcome, OpenAI.PermissionDeniedError);
      else expectSdkError(outcome, OpenAI.AuthenticationError);
    },
  });
}

const { retrieveModel, createChatCompletion } = OPERATION_PROBES;

/** What the order of refusals is about: a request that is right but for its credential is refused. @throws Inconclusive */
async function requireGuard(context: CheckContext, operation: OperationProbe, credential: Credential): Promise<void> {
  const { exchange } = await context.sdk((client) => operation.call(client, context), { credential });
  requireStatus(exchange, credential === null ? 401 : 403);
}

const matrix = Object.values(OPERATION_PROBES).flatMap((operation) =>
  CREDENTIAL_PROBES.map((credential) => defineAuthCheck(operation, credential)),
);

export const authChecks: readonly Check[] = [
  ...matrix,
  defineCheck({
    ...AUTH,
    id: "auth.chat.stream-missing",
    requirement: "A streaming request without a credential is refused with 401, before any event.",
    reference: "RFC 9110 section 15.5.2",
    breaks: "The matrix holds for one-shot only, and anyone streams for free.",
    async run(context) {
      const body = composeSdkStream(context);
      const call = async (client: OpenAI): Promise<unknown> =>
        (await client.chat.completions.create(body)).controller.abort();
      await requireGuard(context, createChatCompletion, null);
      expectStatus((await context.sdk(call, { credential: null })).exchange, 401);
    },
  }),
  defineCheck({
    ...AUTH,
    id: "auth.chat.scheme-case",
    level: "should",
    requirement: "The scheme is accepted in any case: `bearer` is `Bearer`.",
    reference: "RFC 9110 section 11.1 (case-insensitive scheme)",
    breaks: "HTTP libraries that write names in lower case can't log in.",
    async run(context) {
      await expectAccepted(context, await createChatCompletion.wire(context, `bearer ${context.key("full")}`));
    },
  }),
  defineCheck({
    ...AUTH,
    id: "auth.chat.before-body",
    level: "should",
    requirement: "The credential is judged before the body: without one, even a malformed body is refused with 401.",
    reference: "RFC 9110 section 15.5.2; OWASP API2:2023",
    breaks: "Strangers make the server parse what they like, and learn which requests are valid.",
    async run(context) {
      await requireGuard(context, createChatCompletion, null);
      const request = { method: "POST", path: "/chat/completions", credential: null, body: '{"model":' };
      expectStatus(await context.wire(request), 401);
    },
  }),
  defineCheck({
    ...AUTH,
    id: "auth.chat.capability-before-body",
    level: "should",
    needs: ["key:no_capability"],
    requirement: "The capability is judged before the body: without it, even a malformed body is refused with 403.",
    reference: "RFC 9110 section 15.5.4; OWASP API5:2023",
    breaks: "Apps without the capability probe what the server would accept.",
    async run(context) {
      await requireGuard(context, createChatCompletion, "no_capability");
      const request = {
        method: "POST",
        path: "/chat/completions",
        credential: "no_capability",
        body: '{"model":',
      } as const;
      expectStatus(await context.wire(request), 403);
    },
  }),
  defineCheck({
    ...AUTH,
    id: "auth.chat.before-model",
    requirement: "The credential is judged before the model of a chat request: an unknown model is 401 to a stranger.",
    reference: "RFC 9110 section 15.5.2",
    breaks: "Strangers find out which models exist.",
    async run(context) {
      await requireGuard(context, createChatCompletion, null);
      const body = JSON.stringify(composeChat(context, { model: "conformance-no-such-model" }));
      expectStatus(await context.wire({ method: "POST", path: "/chat/completions", credential: null, body }), 401);
    },
  }),
  defineCheck({
    ...AUTH,
    id: "auth.models-retrieve.before-model",
    operation: "retrieveModel",
    requirement: "The credential is judged before the model is looked up: an unknown model is 401 to a stranger.",
    reference: "RFC 9110 section 15.5.2",
    breaks: "Strangers find out which models exist.",
    async run(context) {
      await requireGuard(context, retrieveModel, null);
      const path = "/models/conformance-no-such-model";
      expectStatus(await context.wire({ method: "GET", path, credential: null }), 401);
    },
  }),
  defineCheck({
    ...AUTH,
    id: "auth.refusal.www-authenticate",
    level: "should",
    requirement: "A 401 names the scheme Bearer in `WWW-Authenticate`.",
    reference: "RFC 9110 section 11.6.1; RFC 6750 section 3",
    breaks: "Generic HTTP clients don't know what to ask for.",
    async run(context) {
      const { exchange } = await context.sdk((client) => client.models.list(), { credential: null });
      requireStatus(exchange, 401);
      expectHeader(exchange, "www-authenticate", /^Bearer\b/i);
    },
  }),
  defineCheck({
    ...AUTH,
    id: "auth.refusal.code",
    level: "should",
    requirement: "The SDK sees the code `invalid_api_key` when the key is unknown.",
    reference: "openai-node core/error.ts APIError.code; OpenAI error codes",
    breaks: "Clients that ask for another key test this code.",
    async run(context) {
      const outcome = await context.sdk((client) => client.models.list(), { credential: { literal: UNKNOWN_KEY } });
      requireError(outcome.exchange, 401);
      const code = outcome.error instanceof OpenAI.APIError ? outcome.error.code : undefined;
      expectThat(code === "invalid_api_key", { observer: "sdk", expected: "invalid_api_key", actual: String(code) });
    },
  }),
  defineCheck({
    ...AUTH,
    id: "auth.refusal.key-not-echoed",
    requirement: "A refusal does not repeat the key that was sent.",
    reference: "OWASP API3:2023; CWE-532",
    breaks: "Keys end in the logs of every client that logs errors.",
    async run(context) {
      const { exchange } = await context.sdk((client) => client.models.list(), {
        credential: { literal: UNKNOWN_KEY },
      });
      requireStatus(exchange, 401);
      const holds = !bodyText(exchange).includes(UNKNOWN_KEY);
      expectThat(holds, { observer: "wire", expected: "no key in the body", actual: "the whole key" });
    },
  }),
];
