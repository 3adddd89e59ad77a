/** Checks of what bad input and refused calls get: the status, the official envelope, and a server that lives on. */

import { type HttpOperationId, operations } from "@openai-compat/spec";
import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { expectErrorEnvelope, expectHeader, expectResponse, expectStatus, expectThat } from "../../src/expect.ts";
import { bodyText, excerpt } from "../../src/response-body.ts";
import { askChat, composeChat, postChat } from "../support/chat-calls.ts";
import { postTooLarge } from "../support/body-limit.ts";
import {
  expectEnvelope,
  expectRefused,
  requireNoticed,
  requireRefusal,
  requireRefusedError,
  requireStatus,
} from "../support/envelope.ts";
import { requireUnknownRetrieved } from "../support/models-calls.ts";
import { requireRateLimited } from "../support/rate-limit.ts";
import { OPERATION_PROBES, requireOffered } from "../support/operation-probes.ts";
import { UPSTREAM_FAILURES } from "../support/upstream-calls.ts";

const ERRORS = {
  area: "errors",
  level: "must",
  tier: "protocol",
  operation: "createChatCompletion",
  needs: ["model:chat"],
} as const;

const DEPTH = 20_000;

const LIVES_ON = [
  { operation: "createCompletion", slug: "completions", needs: ["model:chat"] },
  { operation: "createEmbedding", slug: "embeddings", needs: ["model:embedding"] },
] as const;

/** A chat body with one byte that is not UTF-8 inside a string. */
function brokenUtf8(context: CheckContext): Uint8Array {
  const [before = "", after = ""] = JSON.stringify(composeChat(context)).split("sentence");
  return Buffer.concat([Buffer.from(before), Buffer.of(0xff), Buffer.from(after)]);
}

/** Bodies that no operation can read. */
function listUnreadable(context: CheckContext): readonly (string | Uint8Array)[] {
  const wrong = '{"messages":{},"prompt":{},"input":{}}';
  return ["", "{", "[]", "null", '"', "{}", wrong, brokenUtf8(context), composeDeep(context)];
}

/** Deeper than parsers that recurse can go. */
function composeDeep({ models }: CheckContext): string {
  return `{"model":${JSON.stringify(models.chat)},"messages":${"[".repeat(DEPTH)}${"]".repeat(DEPTH)}}`;
}

/** The same of the other operations with a body of JSON: each is answered, and a plain call after them is too. */
const livesOn = LIVES_ON.map(({ operation, slug, needs }) =>
  defineCheck({
    ...ERRORS,
    id: `errors.input.${slug}-live-on`,
    operation,
    needs,
    requirement: `Each of a series of malformed bodies for /${slug} is answered, and a plain call after them is too.`,
    reference: "vllm-project/vllm#34532",
    breaks: "One client's mistake is everyone's outage.",
    async run(context) {
      await requireOffered(context, operation);
      const probe = OPERATION_PROBES.find((candidate) => candidate.operation === operation);
      const call = async (): Promise<Exchange> =>
        (await context.sdk(async (client) => probe?.call(client, context))).exchange;
      requireStatus(await call(), 200);
      const request = { method: "POST", path: `/${slug}`, disconnectAfterMs: context.patienceMs };
      for (const body of listUnreadable(context)) expectResponse(await context.wire({ ...request, body }));
      expectStatus(await call(), 200);
    },
  }),
);

type BadInput = Pick<Check, "id" | "requirement" | "reference"> & {
  level?: Check["level"];
  body: (context: CheckContext) => string | Uint8Array;
};

function defineBadInput({ body, ...check }: BadInput): Check {
  return defineCheck({
    ...ERRORS,
    ...check,
    breaks: "The SDK retries a 5xx and hides the cause; a crash takes other clients' requests with it.",
    async run(context) {
      expectRefused(await postChat(context, body(context)));
    },
  });
}

/** Generated clients want the keys, null or not. */
function defineAllKeys(): Check {
  return defineCheck({
    ...ERRORS,
    id: "errors.envelope.all-keys",
    level: "should",
    requirement: "An error has all four keys, null where they say nothing.",
    reference: "OpenAPI Error.required: type, message, param, code",
    breaks: "Clients generated from the document read no error that lacks one of the keys.",
    async run(context) {
      const exchange = await requireNoticed(context);
      const error = requireRefusedError(exchange);
      const missing = ["message", "type", "param", "code"].filter((key) => !(key in error));
      expectThat(missing.length === 0, { observer: "schema", expected: "four keys", actual: `no ${missing.join()}` });
    },
  });
}

/** Operations beside chat, with a body of JSON that lacks every field. */
const EMPTY_BODIES = [
  { slug: "completions", operation: "createCompletion", needs: ["model:chat"], isForm: false },
  { slug: "embeddings", operation: "createEmbedding", needs: ["model:embedding"], isForm: false },
  { slug: "speech", operation: "createSpeech", needs: ["model:speech"], isForm: false },
  { slug: "transcriptions", operation: "createTranscription", needs: ["model:transcription"], isForm: true },
  { slug: "translations", operation: "createTranslation", needs: ["model:transcription"], isForm: true },
] as const;

/** @throws NotTestable where the target does not have the operation */
async function postEmpty(context: CheckContext, operation: HttpOperationId): Promise<Exchange> {
  await requireOffered(context, operation);
  const { method, path } = operations[operation];
  return context.wire({ method, path, body: "{}", disconnectAfterMs: context.patienceMs });
}

type Provoked = Pick<Check, "operation" | "needs"> & {
  level?: Check["level"];
  slug: string;
  subject: string;
  /** Default: any 4xx. */
  status?: number | readonly number[];
  provoke: (context: CheckContext) => Promise<Exchange>;
};

const PROVOKED: readonly Provoked[] = [
  {
    slug: "invalid-value",
    subject: "an invalid parameter",
    operation: "createChatCompletion",
    needs: ["model:chat"],
    provoke: (context) => requireNoticed(context),
  },
  {
    slug: "bad-json",
    subject: "a body that is no JSON",
    operation: "createChatCompletion",
    needs: ["model:chat"],
    provoke: (context) => postChat(context, '{"model":'),
  },
  {
    slug: "unauthenticated",
    subject: "a missing credential",
    operation: "listModels",
    needs: ["key:full"],
    provoke: (context) => context.wire({ method: "GET", path: "/models", credential: null }),
  },
  {
    slug: "no-capability",
    subject: "a missing capability",
    operation: "listModels",
    needs: ["key:no_capability"],
    provoke: (context) => context.wire({ method: "GET", path: "/models", credential: "no_capability" }),
  },
  {
    slug: "no-credit",
    subject: "a call that the account can't pay for",
    status: [402, 403, 429],
    operation: "createChatCompletion",
    needs: ["key:no_credit", "model:chat"],
    provoke: (context) => askChat(context, {}, "no_credit"),
  },
  {
    slug: "rate-limited",
    subject: "a call beyond the account's rate limit",
    status: 429,
    operation: "createChatCompletion",
    needs: ["key:rate_limited", "fixture:rate_limited", "model:chat"],
    provoke: requireRateLimited,
  },
  {
    slug: "body-too-large",
    subject: "a body that is too large",
    operation: "createChatCompletion",
    needs: ["fixture:body_bytes_max", "model:chat"],
    provoke: postTooLarge,
  },
  {
    slug: "upstream-down",
    subject: "a call whose upstream can't be reached",
    status: UPSTREAM_FAILURES,
    operation: "createChatCompletion",
    needs: ["model:upstream_down"],
    provoke: (context) => askChat(context, { model: context.models.upstream_down }),
  },
  {
    slug: "upstream-error",
    subject: "a call whose upstream failed",
    status: UPSTREAM_FAILURES,
    operation: "createChatCompletion",
    needs: ["model:upstream_error"],
    provoke: (context) => askChat(context, { model: context.models.upstream_error }),
  },
  {
    slug: "unknown-model",
    subject: "an unknown model",
    operation: "createChatCompletion",
    needs: ["model:chat"],
    provoke: (context) => askChat(context, { model: "conformance-no-such-model" }),
  },
  {
    slug: "unknown-model-retrieve",
    subject: "the retrieval of an unknown model",
    operation: "retrieveModel",
    needs: [],
    provoke: requireUnknownRetrieved,
  },
  ...EMPTY_BODIES.map(({ slug, operation, needs }) => ({
    slug,
    subject: `an empty object for ${operation}`,
    operation,
    needs,
    provoke: (context: CheckContext) => postEmpty(context, operation),
  })),
  {
    slug: "unknown-route",
    level: "should",
    subject: "an unknown route",
    operation: null,
    needs: [],
    provoke: (context) => context.wire({ method: "GET", path: "/conformance-no-such-route" }),
  },
  {
    slug: "wrong-method",
    level: "should",
    subject: "a wrong method",
    operation: null,
    needs: [],
    provoke: (context) => context.wire({ method: "PUT", path: "/models", body: "{}" }),
  },
];

const envelopes = PROVOKED.map(({ slug, subject, status, operation, needs, provoke, level = "must" }) =>
  defineCheck({
    ...ERRORS,
    level,
    id: `errors.envelope.${slug}`,
    requirement: `The refusal of ${subject} has the body {"error":{message,type,param,code}}.`,
    reference: "OpenAPI ErrorResponse; openai-node core/error.ts; ray-project/ray#64833; vllm-project/vllm#12886",
    breaks:
      'Without an object `error` openai-node 4 and 6 say "status code (no body)". Typed clients such as async-openai read ' +
      "no error whose `code` is a number.",
    operation,
    needs,
    async run(context) {
      const exchange = await provoke(context);
      if (status === undefined) requireRefusal(exchange);
      else requireStatus(exchange, status);
      expectEnvelope(exchange);
    },
  }),
);

/** Mistakes that are refused, by the status that they get. */
const STATUS_ROWS: readonly Pick<Provoked, "slug" | "operation" | "needs" | "subject" | "provoke">[] = [
  {
    slug: "chat",
    subject: "A chat request with a mistake",
    operation: "createChatCompletion",
    needs: ["model:chat"],
    provoke: (context) => requireNoticed(context),
  },
  {
    slug: "bad-json",
    subject: "A body that is no JSON",
    operation: "createChatCompletion",
    needs: ["model:chat"],
    provoke: (context) => postChat(context, '{"model":'),
  },
  ...EMPTY_BODIES.filter(({ isForm }) => !isForm).map(({ slug, operation, needs }) => ({
    slug,
    subject: `An empty object for ${operation}`,
    operation,
    needs,
    provoke: (context: CheckContext) => postEmpty(context, operation),
  })),
];

const statuses = STATUS_ROWS.map(({ slug, subject, operation, needs, provoke }) =>
  defineCheck({
    ...ERRORS,
    level: "should",
    id: `errors.status.${slug}`,
    requirement: `${subject} is refused with exactly 400.`,
    reference: "OpenAI error codes: 400; openai-node core/error.ts BadRequestError",
    breaks: "Programs that catch BadRequestError to repair the request see another class.",
    operation,
    needs,
    async run(context) {
      const exchange = await provoke(context);
      requireRefusal(exchange);
      expectStatus(exchange, 400);
    },
  }),
);

export const errorChecks: readonly Check[] = [
  ...envelopes,
  defineAllKeys(),
  ...statuses,
  ...livesOn,
  defineBadInput({
    id: "errors.input.bad-json",
    requirement: "A body that is no JSON is refused with a 4xx.",
    reference: "RFC 9110 section 15.5.1",
    body: () => '{"model":',
  }),
  defineBadInput({
    id: "errors.input.empty-body",
    level: "should",
    requirement: "An empty body is refused with a 4xx.",
    reference: "RFC 9110 section 15.5.1",
    body: () => "",
  }),
  defineBadInput({
    id: "errors.input.array-body",
    level: "should",
    requirement: "A body that is a JSON array is refused with a 4xx.",
    reference: "OpenAPI createChatCompletion requestBody (object)",
    body: () => "[]",
  }),
  defineBadInput({
    id: "errors.input.invalid-utf-8",
    level: "should",
    requirement: "A body that is not UTF-8 is refused with a 4xx, not read with replacement characters.",
    reference: "RFC 8259 section 8.1",
    body: brokenUtf8,
  }),
  defineBadInput({
    id: "errors.input.deep-nesting",
    level: "should",
    requirement: `A body nested ${DEPTH} levels deep in place of the messages is refused with a 4xx.`,
    reference: "RFC 8259 section 9; CWE-674",
    body: composeDeep,
  }),
  defineBadInput({
    id: "errors.input.message-type",
    requirement: "`messages` with a number in place of a message is refused with a 4xx.",
    reference: "OpenAPI ChatCompletionRequestMessage",
    body: (context) => JSON.stringify(composeChat(context, { messages: [42] })),
  }),
  defineCheck({
    ...ERRORS,
    id: "errors.input.content-type",
    level: "should",
    requirement: "A body declared as text/plain is refused with a 4xx.",
    reference: "RFC 9110 section 15.5.16; OWASP CSRF (simple requests)",
    breaks: "A web page can send requests without a CORS preflight.",
    async run(context) {
      const request = { method: "POST", path: "/chat/completions", body: JSON.stringify(composeChat(context)) };
      expectRefused(await context.wire({ ...request, headers: { "content-type": "text/plain" } }));
    },
  }),
  defineCheck({
    ...ERRORS,
    id: "errors.input.server-lives-on",
    requirement: "Each of a series of malformed bodies is answered, and a plain request after them is too.",
    reference: "vllm-project/vllm#34532",
    breaks: "One client's mistake is everyone's outage.",
    async run(context) {
      requireStatus(await askChat(context), 200);
      for (const body of listUnreadable(context)) expectResponse(await postChat(context, body));
      expectStatus(await askChat(context), 200);
    },
  }),
  defineCheck({
    ...ERRORS,
    id: "errors.unknown-route",
    operation: null,
    needs: [],
    requirement: "An unknown route is refused with a 4xx or 501, not answered.",
    reference: "RFC 9110 section 15.5.5; tsundereraws/aisub-translator#2",
    breaks: "A web page with status 200 gives a stream with no chunk and no error.",
    async run(context) {
      const exchange = await context.wire({ method: "GET", path: "/conformance-no-such-route" });
      if (expectResponse(exchange).status !== 501) expectRefused(exchange);
    },
  }),
  defineCheck({
    ...ERRORS,
    id: "errors.message-not-empty",
    requirement: "The message of an error is not empty.",
    reference: "OpenAPI Error.message",
    breaks: 'The user reads "400" and nothing more.',
    async run(context) {
      const exchange = await requireNoticed(context);
      const [, message] = /"message":\s*"((?:[^"\\]|\\.)*)"/.exec(bodyText(exchange)) ?? [];
      const actual = excerpt(bodyText(exchange));
      expectThat(message === undefined || message.trim() !== "", { observer: "schema", expected: "a message", actual });
    },
  }),
  defineCheck({
    ...ERRORS,
    id: "errors.type-of-400",
    level: "should",
    requirement: "The refusal of a mistake has the type `invalid_request_error`.",
    reference: "OpenAPI Error.type; vllm-project/vllm#58025",
    breaks: "Clients that match the type retry, or show it as a fault of the server.",
    async run(context) {
      const exchange = await requireNoticed(context);
      requireRefusedError(exchange);
      expectErrorEnvelope(exchange, { type: "invalid_request_error" });
    },
  }),
  defineCheck({
    ...ERRORS,
    id: "errors.content-type",
    requirement: "An error has the content type application/json.",
    reference: "openai-node client.ts makeStatusError; RFC 9110 section 8.3",
    breaks: "Clients that look at it before they parse show the raw body or nothing.",
    async run(context) {
      const exchange = await requireNoticed(context);
      expectHeader(exchange, "content-type", /^application\/json\b/i);
    },
  }),
  defineCheck({
    ...ERRORS,
    id: "errors.no-internals",
    level: "should",
    requirement: "An error shows no stack trace.",
    reference: "CWE-209 (information exposed by an error message)",
    breaks: "Attackers read paths and versions; users read noise.",
    async run(context) {
      const text = bodyText(await postChat(context, '{"model":'));
      const trace = /\bat .*[:(]\d+:\d+|Traceback \(most recent|File \\?".*\\?", line \d+/.exec(text);
      expectThat(trace === null, { observer: "wire", expected: "no stack trace", actual: excerpt(text) });
    },
  }),
];
