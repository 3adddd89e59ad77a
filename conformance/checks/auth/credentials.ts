/** Checks of who is let in: the matrix of operations and bad credentials, and the order of refusals. */

import type OpenAI from "openai";
import type { CheckContext, Credential } from "../../src/check-context.ts";
import type { HttpOperationId } from "@openai-compat/spec";
import { type Check, defineCheck, type Level } from "../../src/check.ts";
import { expectHeader, expectSdkError, expectStatus, expectThat } from "../../src/expect.ts";
import { bodyText } from "../../src/response-body.ts";
import { askChat, composeChat, composeSdkChat, composeSdkStream, expectAccepted } from "../support/chat-calls.ts";
import { CREDENTIAL_PROBES, type CredentialProbe, TOKEN_PROBES, UNKNOWN_KEY } from "../support/credential-probes.ts";
import { requireError, requireRefusal, requireRefusedError, requireStatus } from "../support/envelope.ts";
import { OPERATION_PROBES, type OperationProbe, requireOffered } from "../support/operation-probes.ts";

const AUTH = {
  area: "auth",
  level: "must",
  tier: "protocol",
  operation: "createChatCompletion",
  needs: ["key:full", "model:chat"],
} as const;

/** To a key that lacks a scope api.openai.com answers 401, and gateways 403. */
const FORBIDDEN: readonly number[] = [401, 403];

interface Access {
  readonly operation: OperationProbe;
  readonly credential: CredentialProbe;
  /** Default: an answer that is no stream. */
  readonly stream?: NonNullable<OperationProbe["stream"]>;
}

/** A header without a token comes from an empty variable alone: one operation is enough for a must. */
function resolveLevel(operation: HttpOperationId, { slug, level }: CredentialProbe, isStreamed: boolean): Level {
  return slug === "malformed" && (isStreamed || operation !== AUTH.operation) ? "should" : level;
}

function defineAuthCheck({ operation, credential, stream }: Access): Check {
  const isForbidden = credential.status === 403;
  return defineCheck({
    ...AUTH,
    id: `auth.${operation.slug}.${stream === undefined ? "" : "stream-"}${credential.slug}`,
    level: resolveLevel(operation.operation, credential, stream !== undefined),
    requirement: `${credential.subject} is refused with ${isForbidden ? "403 or 401" : 401} by ${stream === undefined ? "" : "a streamed "}${operation.operation}.`,
    reference: isForbidden
      ? "RFC 9110 section 15.5.4; openai-node core/error.ts PermissionDeniedError; anomalyco/opencode#21928 (OpenAI's is a 401)"
      : "RFC 9110 section 15.5.2; openai-node core/error.ts AuthenticationError; openai/openai-cookbook#2347",
    breaks: credential.breaks,
    operation: operation.operation,
    needs: [...operation.needs, ...credential.needs],
    async run(context) {
      const sent = { credential: credential.compose(context) };
      const call = stream ?? operation.call;
      const outcome = await context.sdk((client) => call(client, context), sent);
      const accepted = isForbidden ? FORBIDDEN : [401];
      if (!accepted.includes(outcome.exchange.response?.status ?? 0))
        await requireOffered(context, operation.operation);
      const { status } = expectStatus(outcome.exchange, accepted);
      const { PermissionDeniedError, AuthenticationError } = context.officialSdk.OpenAI;
      if (status === 403) expectSdkError(outcome, PermissionDeniedError);
      else expectSdkError(outcome, AuthenticationError);
    },
  });
}

/**
 * What the order of refusals is about: a request that is right but for its credential is refused.
 *
 * @throws Inconclusive
 */
async function requireGuard(
  context: CheckContext,
  call: (client: OpenAI) => Promise<unknown>,
  credential: Credential,
): Promise<void> {
  const { exchange } = await context.sdk(call, { credential });
  requireStatus(exchange, credential === null ? 401 : FORBIDDEN);
}

async function requireChatGuard(context: CheckContext, credential: Credential): Promise<void> {
  await requireGuard(context, (client) => client.chat.completions.create(composeSdkChat(context)), credential);
}

/** Ids of checks that stand below, with words of their own. */
const OWN_CHECKS: readonly string[] = ["auth.chat.stream-missing"];

const matrix = OPERATION_PROBES.flatMap((operation) =>
  [...CREDENTIAL_PROBES, ...TOKEN_PROBES].flatMap((credential) => [
    defineAuthCheck({ operation, credential }),
    ...(operation.stream === undefined ? [] : [defineAuthCheck({ operation, credential, stream: operation.stream })]),
  ]),
).filter(({ id }) => !OWN_CHECKS.includes(id));

/** A refusal without what may differ from key to key: a key, or a masked one, in its message. */
async function describeRefusal(context: CheckContext, literal: string): Promise<string> {
  const { exchange } = await context.sdk((client) => client.models.list(), { credential: { literal } });
  const { message, type, code } = requireRefusedError(exchange);
  const words = message.split(/\s+/).map((word) => (/[*•…]|\.{3}/.test(word) || word.includes(literal) ? "KEY" : word));
  return JSON.stringify({ message: words.join(" "), type, code });
}

export const authChecks: readonly Check[] = [
  ...matrix,
  defineCheck({
    ...AUTH,
    id: "auth.chat.stream-missing",
    requirement: "A streaming request without a credential is refused with 401, before any event.",
    reference: "RFC 9110 section 15.5.2",
    breaks: "The matrix holds for non-streaming only, and anyone streams for free.",
    async run(context) {
      const body = composeSdkStream(context);
      const call = async (client: OpenAI): Promise<unknown> =>
        (await client.chat.completions.create(body)).controller.abort();
      await requireChatGuard(context, null);
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
      const credential = { authorization: `bearer ${context.key("full")}` };
      await expectAccepted(context, await askChat(context, {}, credential));
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
      await requireChatGuard(context, null);
      const request = { method: "POST", path: "/chat/completions", credential: null, body: '{"model":' };
      expectStatus(await context.wire(request), 401);
    },
  }),
  defineCheck({
    ...AUTH,
    id: "auth.chat.capability-before-body",
    level: "should",
    needs: ["key:no_capability"],
    requirement: "The capability is judged before the body: without it, even a malformed body is refused as one.",
    reference: "RFC 9110 section 15.5.4; OWASP API5:2023",
    breaks: "Apps without the capability probe what the server would accept.",
    async run(context) {
      await requireChatGuard(context, "no_capability");
      const request = {
        method: "POST",
        path: "/chat/completions",
        credential: "no_capability",
        body: '{"model":',
      } as const;
      expectStatus(await context.wire(request), FORBIDDEN);
    },
  }),
  defineCheck({
    ...AUTH,
    id: "auth.chat.before-model",
    requirement: "The credential is judged before the model of a chat request: an unknown model is 401 to a stranger.",
    reference: "RFC 9110 section 15.5.2",
    breaks: "Strangers find out which models exist.",
    async run(context) {
      await requireChatGuard(context, null);
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
      await requireGuard(context, (client) => client.models.retrieve(String(context.models.chat)), null);
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
      const code = outcome.error instanceof context.officialSdk.OpenAI.APIError ? outcome.error.code : undefined;
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
      requireRefusal(exchange);
      const holds = !bodyText(exchange).includes(UNKNOWN_KEY);
      expectThat(holds, { observer: "wire", expected: "no key in the body", actual: "the whole key" });
    },
  }),
  defineCheck({
    ...AUTH,
    id: "auth.refusal.same-wording",
    level: "should",
    operation: "listModels",
    requirement: "A key that looks right and is unknown is refused in the same words as one that is no key at all.",
    reference: "OWASP API2:2023; CWE-204 (observable response discrepancy)",
    breaks: "Strangers find out by trial which keys and accounts exist.",
    async run(context) {
      const expected = await describeRefusal(context, "conformance");
      const actual = await describeRefusal(context, UNKNOWN_KEY);
      expectThat(actual === expected, { observer: "wire", expected, actual });
    },
  }),
  defineCheck({
    ...AUTH,
    id: "auth.refusal.no-capability-status",
    level: "should",
    needs: ["key:no_capability", "model:chat"],
    requirement: "A genuine key without the capability is refused with exactly 403, by every operation.",
    reference: "RFC 9110 section 15.5.4; openai-node core/error.ts PermissionDeniedError",
    breaks: "Clients ask for a new key, where the one that they have lacks a permission.",
    async run(context) {
      for (const { call, stream } of OPERATION_PROBES) {
        for (const send of stream === undefined ? [call] : [call, stream]) {
          const sent = { credential: "no_capability" } as const;
          const { exchange } = await context.sdk((client) => send(client, context), sent);
          if (exchange.response?.status === 401) expectStatus(exchange, 403);
        }
      }
    },
  }),
  defineCheck({
    ...AUTH,
    id: "auth.refusal.forbidden-not-retried",
    level: "should",
    needs: ["key:no_capability", "model:chat"],
    requirement: "The SDK sends a call that is forbidden once: nothing tells it to come back.",
    reference: "openai-node client.ts shouldRetry",
    breaks: "Each forbidden call is sent three times, and fails two seconds later.",
    async run(context) {
      const call = (client: OpenAI): Promise<unknown> => client.chat.completions.create(composeSdkChat(context));
      const { exchanges, exchange } = await context.sdk(call, { credential: "no_capability", maxRetries: 2 });
      requireStatus(exchange, FORBIDDEN);
      const actual = `${exchanges.length} requests`;
      expectThat(exchanges.length === 1, { observer: "sdk", expected: "1 request", actual });
    },
  }),
];
