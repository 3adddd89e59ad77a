/** Checks of the tools of a response: which are called, and what a call looks like. No prompt but one invites a call. */

import type OpenAI from "openai";
import type { FunctionTool } from "openai/resources/responses/responses";
import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import {
  expectJsonObject,
  expectSdkValue,
  expectStatus,
  expectThat,
  type JsonObject,
  throwIfUnsupported,
} from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import { expectFits, expectJsonText } from "../support/forms.ts";
import {
  askResponse,
  callResponses,
  readItems,
  requireResponse,
  type ResponseFields,
  RESPONSES,
} from "../support/response-calls.ts";
import { type KnownTool, REPORT, TRAY } from "../support/tool-calls.ts";
import { OWNERS } from "../support/owners.ts";

const FORCED = { ...RESPONSES, tier: "forced" } as const;
const TOOLS = "OpenAPI FunctionTool, ToolChoiceParam";

/** As this API has it: the fields of the function beside its type. */
function composeTool({ name, form }: KnownTool): ResponseFields {
  return { type: "function", name, strict: true, parameters: form.schema };
}

/** Enough for any call here, however many tokens the target makes of it. */
const CALL_TOKENS = 160;

const OFFER: ResponseFields = { tools: [REPORT, TRAY].map(composeTool), max_output_tokens: CALL_TOKENS };
const BEGGING = `Call ${REPORT.name} and call ${TRAY.name} now, each of them once.`;
const NOTE = { type: "custom", name: "write_note", description: "Writes a note." };

function force({ name }: KnownTool): ResponseFields {
  return { ...OFFER, tool_choice: { type: "function", name } };
}

/** An answer. @throws Failure where it is not given, Unsupported */
async function askWithTools(context: CheckContext, fields: ResponseFields): Promise<JsonObject> {
  const exchange = await askResponse(context, fields);
  throwIfUnsupported(exchange, "tools", "tool_choice");
  if (exchange.response?.status !== 200) await requireResponse(context);
  expectStatus(exchange, 200);
  return expectJsonObject(exchange);
}

function readCalls(body: JsonObject): readonly JsonObject[] {
  return readItems(body).filter(({ type }) => type === "function_call" || type === "custom_tool_call");
}

/** The calls of an answer that should have some. @throws as above, Inconclusive where it is cut before them */
async function listCalls(context: CheckContext, fields: ResponseFields): Promise<readonly JsonObject[]> {
  const body = await askWithTools(context, fields);
  const calls = readCalls(body);
  if (calls.length === 0 && body["status"] === "incomplete") {
    throw new Inconclusive("the model came to no end within the limit", "model");
  }
  return calls;
}

function expectNames(calls: readonly JsonObject[], expected: string, holds: (names: readonly unknown[]) => boolean) {
  const names = calls.map(({ name }) => name);
  expectThat(holds(names), { observer: "wire", expected, actual: JSON.stringify(names) });
}

const isOnly =
  (tool: KnownTool) =>
  (names: readonly unknown[]): boolean =>
    names.length > 0 && names.every((name) => name === tool.name);

/** The second turn of a conversation in which a tool was called; "" where none was. */
async function answerCall(responses: OpenAI["responses"], model: string): Promise<string> {
  const tools: FunctionTool[] = [{ type: "function", name: REPORT.name, strict: true, parameters: REPORT.form.schema }];
  const input = [{ role: "user" as const, content: "File the report." }];
  const first = await responses.create({
    model,
    input,
    tools,
    tool_choice: "required",
    max_output_tokens: CALL_TOKENS,
  });
  const called = first.output.find((item) => item.type === "function_call");
  if (called === undefined) return "";
  const output = { type: "function_call_output" as const, call_id: called.call_id, output: "filed" };
  const second = await responses.create({ model, input: [...input, called, output], tools, max_output_tokens: 16 });
  return second.id;
}

export const responseToolChecks: readonly Check[] = [
  defineCheck({
    ...FORCED,
    id: "responses.tools.named-is-called",
    requirement: "The function that `tool_choice` names is called, and no other, whichever of the offered ones it is.",
    reference: TOOLS,
    breaks: "Structured extraction and agents with a forced last step find no call.",
    async run(context) {
      for (const tool of [REPORT, TRAY]) {
        expectNames(await listCalls(context, force(tool)), `a call of ${tool.name}`, isOnly(tool));
      }
    },
  }),
  defineCheck({
    ...FORCED,
    id: "responses.tools.required-calls",
    requirement: "With `tool_choice: required` at least one of the offered tools is called.",
    reference: TOOLS,
    breaks: "Agents that have to act answer with a text, and stop.",
    async run(context) {
      const calls = await listCalls(context, { ...OFFER, tool_choice: "required" });
      const known: readonly unknown[] = [REPORT.name, TRAY.name];
      const holds = (names: readonly unknown[]): boolean =>
        names.length > 0 && names.every((name) => known.includes(name));
      expectNames(calls, "calls of offered tools", holds);
    },
  }),
  defineCheck({
    ...FORCED,
    id: "responses.tools.allowed-tools",
    level: "should",
    requirement: "With `tool_choice` of the type allowed_tools, required, only an allowed tool is called.",
    reference: "OpenAPI ToolChoiceAllowed",
    breaks: "openai-agents and clients that keep one list of tools for the prompt cache call what they may not.",
    async run(context) {
      const allowed = { type: "allowed_tools", mode: "required", tools: [{ type: "function", name: TRAY.name }] };
      const calls = await listCalls(context, { ...OFFER, tool_choice: allowed });
      expectNames(calls, `a call of ${TRAY.name}`, isOnly(TRAY));
    },
  }),
  defineCheck({
    ...FORCED,
    id: "responses.tools.none",
    requirement: "With `tool_choice: none` nothing is called, even where the prompt begs for calls.",
    reference: TOOLS,
    breaks: "Agents that ask for a last summary get a call that nobody answers.",
    async run(context) {
      const fields = { ...OFFER, input: BEGGING, tool_choice: "none", max_output_tokens: 32 };
      expectNames(readCalls(await askWithTools(context, fields)), "no call", (names) => names.length === 0);
    },
  }),
  defineCheck({
    ...FORCED,
    id: "responses.tools.one-at-a-time",
    requirement: "With `parallel_tool_calls: false` an answer holds at most one call.",
    reference: "OpenAPI CreateResponse.parallel_tool_calls",
    breaks: "Clients that run one tool at a time lose the others.",
    async run(context) {
      const fields = { ...OFFER, input: BEGGING, tool_choice: "required", parallel_tool_calls: false };
      expectNames(await listCalls(context, fields), "one call", (names) => names.length === 1);
    },
  }),
  defineCheck({
    ...FORCED,
    id: "responses.tools.strict-arguments",
    requirement: "The arguments of a strict function conform to its schema.",
    reference: "OpenAPI FunctionTool.strict",
    breaks: "Tools are run with arguments that they can't read.",
    async run(context) {
      const calls = await listCalls(context, force(REPORT));
      if (calls.length === 0) throw new Inconclusive("nothing is called", OWNERS.responseCalled);
      for (const { arguments: text } of calls) expectFits(expectJsonText(String(text)), REPORT.form);
    },
  }),
  defineCheck({
    ...FORCED,
    id: "responses.tools.custom-is-called",
    level: "should",
    requirement: "A custom tool that `tool_choice` names is called by a `custom_tool_call` with an input.",
    reference: "OpenAPI CustomToolParam, CustomToolCall",
    breaks: "Codex's apply_patch, and LangChain's custom tools, get no input (ollama/ollama#17673).",
    async run(context) {
      const fields = { tools: [NOTE], tool_choice: { type: "custom", name: NOTE.name }, max_output_tokens: 32 };
      const calls = await listCalls(context, fields);
      const [first] = calls;
      const holds = first?.["type"] === "custom_tool_call" && typeof first["input"] === "string";
      expectThat(holds, {
        observer: "schema",
        expected: "a custom_tool_call with an input",
        actual: JSON.stringify(calls),
      });
    },
  }),
  defineCheck({
    ...FORCED,
    id: "responses.tools.sdk-round-trip",
    requirement: "A call and its output, sent back as the SDK returned them, are answered.",
    reference: "OpenAPI FunctionCallOutputItemParam; openai-node resources/responses/responses.ts",
    breaks: "Every agent: the second turn of a conversation with tools is refused.",
    async run(context) {
      const outcome = await callResponses(context, answerCall);
      throwIfUnsupported(outcome.exchange, "tools", "tool_choice");
      if (outcome.value === "") throw new Inconclusive("nothing is called", OWNERS.responseCalledAny);
      expectSdkValue(outcome);
    },
  }),
];
