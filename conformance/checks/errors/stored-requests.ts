/**
 * Checks of what a request may say to the operations on what a server keeps: each documented parameter of a query and of
 * a body is taken, and a value that it cannot have is no server error.
 */

import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import { expectResponse, expectStatus, expectThat, type JsonObject, throwIfUnsupported } from "../../src/expect.ts";
import { describeExchange } from "../../src/response-body.ts";
import type { Answered } from "../invariants/answered.ts";
import { CONVERSATION_ANSWERED } from "../invariants/conversation-answers.ts";
import { RESPONSES_ANSWERED } from "../invariants/kept-responses.ts";
import { STORED_ANSWERED } from "../invariants/stored-answers.ts";

const PAGES: readonly JsonObject[] = [
  { limit: 1 },
  { limit: 100 },
  { order: "asc" },
  { order: "desc" },
  { after: 0 },
  { limit: 1, order: "desc", after: 1 },
];

interface Requests {
  /** Numbers in `after` stand for ids. */
  readonly legal: readonly ((context: CheckContext) => JsonObject)[];
  readonly wrong: readonly JsonObject[];
}

const VALUES = ["", "0", "-1", "hot", "1000000"];

function listWrong(...names: readonly string[]): readonly JsonObject[] {
  return names.flatMap((name) => VALUES.map((value) => ({ [name]: value })));
}

const pages = PAGES.map((page) => () => page);

const INCLUDED: readonly JsonObject[] = ["message.output_text.logprobs", "reasoning.encrypted_content"].map(
  (field) => ({
    "include[]": field,
  }),
);
const included = INCLUDED.map((query) => () => query);
const LIST_WRONG: readonly JsonObject[] = [
  ...listWrong("limit", "order", "after", "include", "include[]"),
  { limit: "1.5" },
];

const WRONG_LABELS: readonly JsonObject[] = [
  "hot",
  7,
  true,
  ["hot"],
  { colour: 7 },
  { colour: { red: true } },
  undefined,
].map((metadata) => ({ metadata }));

const ITEMS: readonly JsonObject[] = [{ role: "user", content: "Say hello." }];
const WRONG_ITEMS: readonly JsonObject[] = ["hot", 7, true, { hot: true }, ["hot"], [7], [{}], [null], undefined].map(
  (items) => ({ items }),
);

const REQUESTS: Readonly<Record<string, Requests>> = {
  "stored-chats-list": {
    legal: [...pages, ({ models }) => ({ model: models.chat }), () => ({ "metadata[colour]": "red" })],
    wrong: [...listWrong("limit", "order", "after", "model", "metadata"), { "metadata[]": "x" }, { limit: "1.5" }],
  },
  "stored-chats-messages": {
    // Of the chat that has several.
    legal: PAGES.map((page) => () => ({ place: 1, ...page })),
    wrong: [...listWrong("limit", "order", "after"), { limit: "1.5" }],
  },
  "stored-chats-update": {
    legal: [() => ({ metadata: {} }), () => ({ metadata: { colour: "red" } }), () => ({ metadata: null })],
    wrong: WRONG_LABELS,
  },
  conversations: {
    legal: [
      ...[{}, { colour: "red" }, null].map((metadata) => () => ({ metadata })),
      ...[[], ITEMS, null].map((items) => () => ({ items })),
      () => ({ metadata: { colour: "red" }, items: ITEMS }),
    ],
    wrong: [...WRONG_LABELS, ...WRONG_ITEMS],
  },
  "conversations-update": {
    legal: [{}, { colour: "red" }, null].map((metadata) => () => ({ metadata })),
    wrong: WRONG_LABELS,
  },
  "conversation-items": {
    legal: [() => ({ items: ITEMS }), ...INCLUDED.map((query) => () => ({ query }))],
    wrong: [...WRONG_ITEMS, ...listWrong("include", "include[]").map((query) => ({ query }))],
  },
  "conversation-items-list": { legal: [...pages, ...included], wrong: LIST_WRONG },
  "conversation-items-get": { legal: included, wrong: listWrong("include", "include[]") },
  "responses-get": {
    legal: [...included, () => ({ stream: "false" })],
    wrong: listWrong("include", "include[]", "stream", "starting_after", "include_obfuscation"),
  },
  "responses-get-stream": {
    legal: ["true", "false"].map((padded) => () => ({ stream: "true", include_obfuscation: padded })),
    wrong: listWrong("starting_after", "include_obfuscation").map((fields) => ({ stream: "true", ...fields })),
  },
  "responses-input-items": { legal: [...pages, ...included], wrong: LIST_WRONG },
};

const named = (fields: JsonObject): readonly [string, ...string[]] => {
  const [first = "metadata", ...others] = Object.keys(fields)
    .flatMap((name) => (name === "query" ? Object.keys(Object(fields[name])) : [name]))
    .filter((name) => name !== "place")
    .map((name) => name.replace(/\[.*$/, ""));
  return [first, ...others];
};

function defineLegalCheck({ slug, area, operation, needs, send }: Answered, { legal }: Requests): Check {
  return defineCheck({
    id: `errors.legal.${slug}.parameters`,
    area,
    level: "must",
    tier: "protocol",
    operation,
    needs,
    requirement: `Each documented parameter of ${operation} is taken, or refused by name.`,
    reference: `OpenAPI ${operation}: its parameters; openai-node resources/chat/completions`,
    breaks: "Programs that read back page by page, or label what they stored, get an error.",
    async run(context) {
      for (const compose of legal) {
        const fields = compose(context);
        const exchange = await send(context, fields);
        throwIfUnsupported(exchange, ...named(fields));
        expectStatus(exchange, 200);
      }
    },
  });
}

function defineWrongCheck({ slug, operation, needs, send }: Answered, { wrong }: Requests): Check {
  return defineCheck({
    id: `errors.types.${slug}.values`,
    area: "errors",
    level: "must",
    tier: "protocol",
    operation,
    needs,
    requirement: `A value that a parameter of ${operation} cannot have gives no 5xx.`,
    reference: `OpenAPI ${operation}; RFC 9110 section 15.5.1; openai-node client.ts shouldRetry (a 5xx is sent again)`,
    breaks: "The SDK sends the request again and again, and the caller hears of a broken server, not of the parameter.",
    async run(context) {
      for (const fields of wrong) {
        const exchange = await send(context, fields);
        const { status } = expectResponse(exchange);
        const actual = `for ${JSON.stringify(fields)}: ${describeExchange(exchange)}`;
        const expected = "an answer or a refusal with 4xx";
        expectThat(status < 500 || status === 501, { observer: "wire", expected, actual });
      }
    },
  });
}

export const storedRequestChecks: readonly Check[] = [
  ...STORED_ANSWERED,
  ...CONVERSATION_ANSWERED,
  ...RESPONSES_ANSWERED,
].flatMap((answered) => {
  const requests = REQUESTS[answered.slug];
  return requests === undefined ? [] : [defineLegalCheck(answered, requests), defineWrongCheck(answered, requests)];
});
