/** Checks of bodies that no operation can read: each is refused, and the server lives on. */

import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { expectResponse, expectStatus } from "../../src/expect.ts";
import { askChat, composeChat, postChat } from "../support/chat-calls.ts";
import { expectRefused, requireStatus } from "../support/envelope.ts";
import { OPERATION_PROBES, requireOffered } from "../support/operation-probes.ts";

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

export const badInputChecks: readonly Check[] = [
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
    level: "should",
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
];
