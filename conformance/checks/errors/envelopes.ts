/** Checks that each kind of refusal has the official body, and each mistake the status 400. */

import { type HttpOperationId, operations } from "@openai-compat/spec";
import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { expectStatus } from "../../src/expect.ts";
import { askChat, postChat } from "../support/chat-calls.ts";
import { postTooLarge } from "../support/body-limit.ts";
import { expectEnvelope, requireNoticed, requireRefusal, requireStatus } from "../support/envelope.ts";
import { requireUnknownRetrieved } from "../support/models-calls.ts";
import { requireRateLimited } from "../support/rate-limit.ts";
import { requireOffered } from "../support/operation-probes.ts";
import { UPSTREAM_FAILURES } from "../support/upstream-calls.ts";

const ERRORS = {
  area: "errors",
  level: "must",
  tier: "protocol",
  operation: "createChatCompletion",
  needs: ["model:chat"],
} as const;

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

export const envelopeChecks: readonly Check[] = [...envelopes, ...statuses];
