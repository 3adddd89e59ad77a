/** Servers that refuse what clients send, lose parts of it, or answer what they can't honour: one for each row. */

import { CARRIERS, FORMS, WORDS } from "../../../checks/responses/input.ts";
import { REFUSED, UNKNOWN_MODEL } from "../../../checks/responses/refusals.ts";
import { REFERENCE_MODELS } from "../../models.ts";
import { PROMPT_TOKENS_MAX } from "../../operations/chat-rules.ts";
import { type Mutant, mutateOperation, mutateReply, parseSent, withHeader } from "../mutant.ts";
import { accept, has, lose, refuse, refuseOtherwise } from "./changes.ts";

const [model] = REFERENCE_MODELS;

/** What another check sends with these fields as well, which then objects too. */
const ALSO: Readonly<Record<string, readonly string[]>> = {
  "input-type": ["responses.refusal.before-the-stream"],
};

/** Fields of a request that anybody answers. */
const PLAIN = { input: "Hello.", tools: [], tool_choice: "auto", text: {}, max_output_tokens: 16, temperature: 1 };

function isLong(input: unknown): boolean {
  return typeof input === "string" && input.length > PROMPT_TOKENS_MAX * 2;
}

export const responseRequestMutants: readonly Mutant[] = [
  ...FORMS.map(({ slug, fields }) =>
    refuse(
      {
        id: `responses.refuses-${slug}`,
        description: `a request of the form ${slug} is refused`,
        intended: [`responses.input.${slug}`],
      },
      (request) => has(request, fields) && request["stream"] !== true,
    ),
  ),
  ...CARRIERS.map(({ slug, what, compose }) =>
    lose(
      {
        id: `responses.loses-${slug}`,
        description: `the text of ${what} does not reach the model`,
        intended: [`responses.input.counts-${slug}`],
      },
      (request) => (has(request, compose(WORDS)) ? { ...request, ...compose("Rain.") } : request),
    ),
  ),
  ...REFUSED.map(({ slug, what, fields }) =>
    accept(
      {
        id: `responses.accepts-${slug}`,
        description: `a request with ${what} is answered`,
        intended: [`responses.refusal.${slug}`, ...(ALSO[slug] ?? [])],
      },
      (request) => (has(request, fields) ? { ...request, ...PLAIN, previous_response_id: null } : request),
    ),
  ),
  ...[false, true].map((isStream) =>
    accept(
      {
        id: `responses.cuts-long-input${isStream ? "-stream" : ""}`,
        description: `input that is too long loses its end in silence, ${isStream ? "in a stream" : "in an answer"}`,
        intended: [`responses.refusal.too-long${isStream ? "-stream" : ""}`],
      },
      (request) =>
        isLong(request["input"]) && (request["stream"] === true) === isStream
          ? { ...request, input: "Hello." }
          : request,
    ),
  ),
  accept(
    {
      id: "responses.truncation-ignored",
      description: "truncation has no effect: a long conversation is refused as without it",
      intended: ["responses.truncation.auto"],
    },
    (request) => (request["truncation"] === "auto" ? { ...request, truncation: "disabled" } : request),
  ),
  mutateOperation(
    {
      id: "responses.answers-for-any-model",
      description: "an unknown model is answered by another one, under the unknown name",
      intended: ["responses.refusal.unknown-model"],
    },
    "createResponse",
    ({ decode, answer }) => ({
      decode(call, reader) {
        const decoded = decode(call, reader);
        if (!("fields" in decoded) || decoded.fields["model"] !== UNKNOWN_MODEL) return decoded;
        return { fields: { ...decoded.fields, model: model?.id, asked: UNKNOWN_MODEL } };
      },
      answer(request, context) {
        const found = answer(request, context);
        if ("status" in found || request["asked"] === undefined) return found;
        return { ...found, response: { ...found.response, model: request["asked"] } };
      },
    }),
  ),
  mutateOperation(
    {
      id: "responses.unknown-model-is-404",
      description: "an unknown model is refused with a status that clients repeat",
      intended: ["responses.refusal.unknown-model-is-final"],
    },
    "createResponse",
    () => ({ unknownModelStatus: 404 }),
  ),
  refuseOtherwise(
    {
      id: "responses.previous-response-without-code",
      description: "an unknown response is refused like any other wrong value",
      intended: ["responses.refusal.previous-response-code"],
    },
    ({ name }) => (name === "previous_response_not_found" ? { code: "invalid_value" } : {}),
  ),
  mutateReply(
    {
      id: "responses.refusals-as-streams",
      description: "a refusal of a streamed request has the content type of a stream",
      intended: ["responses.refusal.before-the-stream"],
    },
    ({ status }, call) => call.operation === "createResponse" && status === 400 && parseSent(call)["stream"] === true,
    (reply) => withHeader(reply, "content-type", "text/event-stream"),
  ),
];
