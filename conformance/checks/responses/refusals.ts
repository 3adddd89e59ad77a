/** Checks of which requests for responses are refused, before a stream as much as before an answer. */

import { type Check, defineCheck, type Level } from "../../src/check.ts";
import { expectErrorEnvelope, expectHeader, throwIfUnsupported } from "../../src/expect.ts";
import { expectRefused, requireRefusedError } from "../support/envelope.ts";
import { askResponse, type ResponseFields, RESPONSES } from "../support/response-calls.ts";
import { expectRefusedOrNamed } from "../support/unknown-model.ts";

interface Refused {
  readonly slug: string;
  readonly level: Level;
  readonly what: string;
  readonly fields: ResponseFields;
}

export const UNKNOWN_MODEL = "conformance-no-such-model";
const UNKNOWN_ID = "resp_conformance00000000000000000000000000000000";

/** What no server can honour. */
export const REFUSED: readonly Refused[] = [
  { slug: "input-type", level: "must", what: "an `input` that is a number", fields: { input: 7 } },
  {
    slug: "item-type",
    level: "should",
    what: "an item without a role or a type",
    fields: { input: [{ text: "Hello." }] },
  },
  {
    slug: "role",
    level: "should",
    what: "an unknown role",
    fields: { input: [{ role: "prophet", content: "Hello." }] },
  },
  { slug: "limit-type", level: "should", what: "a limit that is a text", fields: { max_output_tokens: "many" } },
  { slug: "temperature", level: "should", what: "a temperature above 2", fields: { temperature: 9 } },
  { slug: "tools-type", level: "should", what: "tools that are a text", fields: { tools: "time" } },
  { slug: "tool-choice", level: "should", what: "an unknown `tool_choice`", fields: { tool_choice: "perhaps" } },
  {
    slug: "tool-choice-name",
    level: "should",
    what: "a `tool_choice` that names no offered tool",
    fields: { tools: [{ type: "function", name: "time" }], tool_choice: { type: "function", name: "place" } },
  },
  {
    slug: "hosted-tool-forced",
    level: "should",
    what: "a forced tool that the server can't run",
    fields: { tools: [{ type: "computer_use_preview" }], tool_choice: { type: "computer_use_preview" } },
  },
  { slug: "format", level: "should", what: "an unknown output format", fields: { text: { format: { type: "poem" } } } },
  {
    slug: "item-reference",
    level: "must",
    what: "a reference to an unknown item",
    fields: {
      input: [
        { type: "item_reference", id: "msg_conformance0000000000" },
        { role: "user", content: "Go on." },
      ],
    },
  },
];

const BREAKS: Readonly<Record<"must" | "should", string>> = {
  must: "The model answers without what the client refers to, and nothing says so (ollama/ollama#18419).",
  should: "A mistake goes unnoticed, or is sent again after a 5xx.",
};

const refusalChecks = REFUSED.map(({ slug, level, what, fields }) =>
  defineCheck({
    ...RESPONSES,
    id: `responses.refusal.${slug}`,
    level,
    requirement: `A request with ${what} is refused with a 4xx.`,
    reference: "OpenAPI CreateResponse; openai-node client.ts shouldRetry",
    breaks: level === "must" ? BREAKS.must : BREAKS.should,
    async run(context) {
      expectRefused(await askResponse(context, fields));
    },
  }),
);

export const responseRefusalChecks: readonly Check[] = [
  ...refusalChecks,
  defineCheck({
    ...RESPONSES,
    id: "responses.refusal.unknown-model",
    requirement: "A model that the server doesn't have is refused, or the answer names the one that gave it.",
    reference: "OpenAPI CreateResponse.model, Response.model",
    breaks: "What another model said is taken for the requested one's.",
    async run(context) {
      expectRefusedOrNamed(await askResponse(context, { model: UNKNOWN_MODEL }), UNKNOWN_MODEL);
    },
  }),
  defineCheck({
    ...RESPONSES,
    id: "responses.refusal.unknown-model-is-final",
    level: "should",
    requirement: "An unknown model is refused with a status that no client sends again: 400.",
    reference: "OpenAI error codes; openai/codex codex-rs/codex-client, which repeats a 404",
    breaks: "Codex repeats a request that was answered with 404 five times before it shows the error.",
    async run(context) {
      const exchange = await askResponse(context, { model: UNKNOWN_MODEL });
      requireRefusedError(exchange);
      expectErrorEnvelope(exchange, { status: 400, code: "model_not_found" });
    },
  }),
  defineCheck({
    ...RESPONSES,
    id: "responses.refusal.previous-response-code",
    level: "should",
    requirement: "An unknown `previous_response_id` has status 404 or 400 and the code `previous_response_not_found`.",
    reference: "OpenAI error codes: previous_response_not_found",
    breaks: "Clients that start anew when a conversation has expired can't tell this from other mistakes.",
    async run(context) {
      const exchange = await askResponse(context, { previous_response_id: UNKNOWN_ID });
      throwIfUnsupported(exchange, "stateful");
      requireRefusedError(exchange);
      expectErrorEnvelope(exchange, { status: [400, 404], code: "previous_response_not_found" });
    },
  }),
  ...REFUSED.slice(0, 1).map(({ fields }) =>
    defineCheck({
      ...RESPONSES,
      id: "responses.refusal.before-the-stream",
      requirement: "A refusal comes before a stream begins: with its status, and as JSON.",
      reference: "openai-node client.ts makeRequest; openai/codex codex-api sse/responses.rs",
      breaks: "Codex repeats a turn whose stream breaks five times; the SDKs throw no error of the right class.",
      async run(context) {
        const exchange = await askResponse(context, { ...fields, stream: true });
        expectRefused(exchange);
        expectHeader(exchange, "content-type", /^application\/json\b/i);
      },
    }),
  ),
];
