/** Checks of which tools, choices among them and answer formats are refused, and of what the refusals blame. */

import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { assume, expectStatus, expectThat, throwIfUnsupported } from "../../src/expect.ts";
import { askChat, askRefusable, type ChatFields } from "../support/chat-calls.ts";
import { expectRefused, requireRefusedError } from "../support/envelope.ts";
import { composeFormat, LOT_FORM } from "../support/formed-answers.ts";
import { answerOwners } from "../support/owners.ts";
import { forceTool, OFFER, REPORT } from "../support/tool-calls.ts";

const CHAT = {
  area: "chat",
  level: "should",
  tier: "protocol",
  operation: "createChatCompletion",
  needs: ["model:chat"],
} as const;

const BREAKS = "A mistake goes unnoticed: the SDK takes a 200 for an answer to what was asked, and retries a 5xx.";

type Refused = Pick<Check, "id" | "requirement" | "reference"> & {
  level?: Check["level"];
  breaks?: string;
  fields: ChatFields;
};

/**
 * A check that a mistake is refused. A server that has no tools, or no such formats, refuses what is right as
 * well: that is no judgement on the mistake.
 */
function defineRefusal({ fields, ...check }: Refused, right: ChatFields): Check {
  return defineCheck({
    ...CHAT,
    breaks: BREAKS,
    ...check,
    async run(context) {
      await requireTaken(context, right);
      expectRefused(await askRefusable(context, fields));
    },
  });
}

/** That the same request without the mistake is answered, which other checks judge. @throws Unsupported, Inconclusive */
async function requireTaken(context: CheckContext, right: ChatFields): Promise<void> {
  const exchange = await askChat(context, right);
  throwIfUnsupported(exchange, "tools", "tool_choice", "response_format");
  assume("the same request without the mistake to be answered", answerOwners(exchange), () =>
    expectStatus(exchange, 200),
  );
}

function defineToolRefusal(check: Refused): Check {
  return defineRefusal(check, { ...OFFER, max_tokens: 1 });
}

function defineFormatRefusal(check: Refused): Check {
  return defineRefusal(check, { ...composeFormat(LOT_FORM), max_tokens: 1 });
}

/** The tool with another function. */
function offerFunction(definition: unknown): ChatFields {
  return { tools: [{ type: "function", function: definition }] };
}

function offerParameters(parameters: unknown): ChatFields {
  return offerFunction({ name: REPORT.name, parameters });
}

function askSchema(format: ChatFields): ChatFields {
  return { response_format: { type: "json_schema", json_schema: format } };
}

const UNKNOWN_TOOL = { ...OFFER, tool_choice: { type: "function", function: { name: "conformance_no_such_tool" } } };
const NO_TOOLS_CHOSEN = forceTool(REPORT, { tools: undefined });

/** That `param` says where the mistake is. */
function expectBlame(exchange: Exchange, path: string): void {
  const error = requireRefusedError(exchange);
  const holds = error.param?.startsWith(path) === true;
  expectThat(holds, { observer: "wire", expected: `a param that begins with ${path}`, actual: JSON.stringify(error) });
}

export const chatFormRefusalChecks: readonly Check[] = [
  defineToolRefusal({
    id: "chat.tools.refusal-unknown-choice",
    requirement: "A `tool_choice` that names a tool which is not offered is refused with a 4xx.",
    reference: "OpenAPI ChatCompletionNamedToolChoice; vllm-project/vllm#49712",
    fields: UNKNOWN_TOOL,
  }),
  defineToolRefusal({
    id: "chat.tools.refusal-choice-without-tools",
    requirement: "A `tool_choice` that forces a call is refused with a 4xx where no tools are offered.",
    reference: "OpenAPI ChatCompletionToolChoiceOption; vllm-project/vllm#21052; raullenchai/Rapid-MLX#744",
    fields: NO_TOOLS_CHOSEN,
  }),
  defineToolRefusal({
    id: "chat.tools.refusal-choice-unknown",
    requirement: "A `tool_choice` that is no documented word is refused with a 4xx.",
    reference: "OpenAPI ChatCompletionToolChoiceOption",
    fields: { ...OFFER, tool_choice: "conformance" },
  }),
  defineToolRefusal({
    id: "chat.tools.refusal-duplicate-names",
    level: "may",
    requirement: "Two tools of one name are refused with a 4xx.",
    reference: "OpenAPI FunctionObject.name",
    breaks: "Which of the two is meant by a call is anyone's guess.",
    fields: { ...OFFER, tools: [REPORT.tool, REPORT.tool] },
  }),
  defineToolRefusal({
    id: "chat.tools.refusal-name-missing",
    requirement: "A tool without a name is refused with a 4xx.",
    reference: "OpenAPI FunctionObject.name (required)",
    fields: offerFunction({ parameters: REPORT.form.schema }),
  }),
  defineToolRefusal({
    id: "chat.tools.refusal-name-invalid",
    requirement: "A tool's name with a blank in it is refused with a 4xx.",
    reference: 'OpenAPI FunctionObject.name: "a-z, A-Z, 0-9, or contain underscores and dashes"',
    fields: offerFunction({ name: "file quern report", parameters: REPORT.form.schema }),
  }),
  defineToolRefusal({
    id: "chat.tools.refusal-parameters-type",
    requirement: "`parameters` that are no object are refused with a 4xx.",
    reference: "OpenAPI FunctionParameters",
    fields: offerParameters("lot"),
  }),
  defineToolRefusal({
    id: "chat.tools.refusal-parameters-schema",
    level: "may",
    requirement: "`parameters` whose schema is that of a string are refused with a 4xx: arguments are an object.",
    reference: "OpenAPI FunctionParameters: an object described in JSON Schema",
    breaks: "The tool is called with arguments that no client can take.",
    fields: offerParameters({ type: "string" }),
  }),
  defineToolRefusal({
    id: "chat.tools.refusal-type-unknown",
    requirement: "A tool of an unknown type is refused with a 4xx.",
    reference: "OpenAPI CreateChatCompletionRequest.tools; docs.ollama.com/api/openai-compatibility",
    fields: { tools: [{ ...REPORT.tool, type: "conformance" }] },
  }),
  defineFormatRefusal({
    id: "chat.format.refusal-type-unknown",
    requirement: "An unknown `response_format.type` is refused with a 4xx.",
    reference: "OpenAPI CreateChatCompletionRequest.response_format",
    fields: { response_format: { type: "conformance" } },
  }),
  defineFormatRefusal({
    id: "chat.format.refusal-schema-missing",
    requirement: "The format json_schema without a schema is refused with a 4xx.",
    reference: "OpenAPI ResponseFormatJsonSchema.json_schema",
    fields: askSchema({ name: "lot", strict: true }),
  }),
  defineFormatRefusal({
    id: "chat.format.refusal-format-missing",
    requirement: "The format json_schema without `json_schema` is refused with a 4xx.",
    reference: "OpenAPI ResponseFormatJsonSchema.json_schema (required)",
    fields: { response_format: { type: "json_schema" } },
  }),
  defineFormatRefusal({
    id: "chat.format.refusal-name-missing",
    level: "may",
    requirement: "A `json_schema` without a name is refused with a 4xx.",
    reference: "OpenAPI ResponseFormatJsonSchema.json_schema.name (required)",
    breaks: "The request works here and nowhere else.",
    fields: askSchema({ strict: true, schema: LOT_FORM.schema }),
  }),
  defineFormatRefusal({
    id: "chat.format.refusal-schema-type",
    requirement: "A schema that is a string is refused with a 4xx.",
    reference: "OpenAPI ResponseFormatJsonSchemaSchema",
    fields: askSchema({ name: "lot", strict: true, schema: "lot" }),
  }),
  defineFormatRefusal({
    id: "chat.format.refusal-broken-reference",
    requirement: "A schema with a `$ref` that leads nowhere is refused with a 4xx.",
    reference: "JSON Schema 2020-12 core, section 8.2.3.1; OpenAPI ResponseFormatJsonSchemaSchema",
    fields: askSchema({
      name: "lot",
      strict: true,
      schema: { ...LOT_FORM.schema, properties: { lot: { $ref: "#/$defs/nowhere" } } },
    }),
  }),
  defineCheck({
    ...CHAT,
    id: "chat.tools.refusal-param",
    requirement:
      "The refusal of a `tool_choice` that names no offered tool has a `param` that begins with tool_choice.",
    reference: "OpenAPI Error.param",
    breaks: "Forms and agents that repair the field named by `param` have nothing to repair.",
    async run(context) {
      await requireTaken(context, { ...OFFER, max_tokens: 1 });
      expectBlame(await askChat(context, UNKNOWN_TOOL), "tool_choice");
    },
  }),
  defineCheck({
    ...CHAT,
    id: "chat.format.refusal-param",
    requirement: "The refusal of an unknown format has a `param` that begins with response_format.",
    reference: "OpenAPI Error.param",
    breaks: "Forms and agents that repair the field named by `param` have nothing to repair.",
    async run(context) {
      await requireTaken(context, { ...composeFormat(LOT_FORM), max_tokens: 1 });
      expectBlame(await askChat(context, { response_format: { type: "conformance" } }), "response_format");
    },
  }),
];
