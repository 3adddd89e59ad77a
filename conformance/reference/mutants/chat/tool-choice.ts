/** Defects of which tools are called, and of the histories with calls that are taken. */

import { isJsonObject } from "../../../src/expect.ts";
import { makeRefusal } from "../../refusal.ts";
import { type ChatBody, readMessages } from "../../operations/chat-rules.ts";
import { listFunctions, readNamedChoice } from "../../tool-answer.ts";
import {
  dropBlame,
  dropRule,
  type Mutant,
  mutateFinish,
  mutateOperation,
  mutateRequest,
  mutateRule,
  omit,
  refuseWhen,
} from "../mutant.ts";

/** Answers another request than the one that was sent. */
function rewrite(
  id: string,
  description: string,
  intended: string,
  change: (body: ChatBody) => ChatBody | false,
): Mutant {
  return mutateRequest({ id, description, intended: [intended] }, (body) => change(body) || body);
}

function nameTool(name: unknown): ChatBody {
  return { tool_choice: { type: "function", function: { name } } };
}

function isAuto(body: ChatBody): boolean {
  return Array.isArray(body["tools"]) && body["tool_choice"] === undefined;
}

function isAllowing(body: ChatBody): boolean {
  return isJsonObject(body["tool_choice"]) && body["tool_choice"]["type"] === "allowed_tools";
}

/** Whether the messages have one that follows one: role after role. */
function hasPair(body: ChatBody, first: string, second: string): boolean {
  const roles = readMessages(body).map(({ role }) => role);
  return roles.some((role, position) => role === first && roles[position + 1] === second);
}

function someCalling(body: ChatBody, holds: (message: ChatBody) => boolean): boolean {
  return readMessages(body).some((message) => "tool_calls" in message && holds(message));
}

/** Whether the schema of a tool has one of these words. */
function hasToolWord(body: ChatBody, word: RegExp): boolean {
  return listFunctions(body).some(({ parameters }) => word.test(JSON.stringify(parameters) ?? ""));
}

/** As a template does that knows no tools. What is sent back as results of calls stays. */
function dropTools(body: ChatBody): ChatBody {
  const hasResults = readMessages(body).some(({ role }) => role === "tool");
  return hasResults ? body : omit(omit(omit(body, "tools"), "tool_choice"), "parallel_tool_calls");
}

export const toolChoiceMutants: readonly Mutant[] = [
  refuseWhen(
    "tools.hints-strict",
    "a schema is enforced though that was not requested",
    "chat.tools.schema-hint",
    (body) => hasToolWord(body, /"not"|"dependentRequired"/),
  ),
  refuseWhen(
    "tools.keywords-closed",
    "unknown keywords in a schema are refused",
    ["chat.tools.schema-annotations", "chat.inputs.mcp-servers"],
    (body) => hasToolWord(body, /"errorMessage"|"propertyOrdering"|"path"/),
  ),
  refuseWhen("tools.limits-small", "lengths above 2,000 are refused", "chat.tools.schema-long-limits", (body) =>
    hasToolWord(body, /"max(?:Length|Items)":\d{4}/),
  ),
  mutateOperation(
    {
      id: "tools.not-counted",
      description: "the tools are dropped by the chat template",
      intended: [
        "chat.tools.allowed-tools",
        "chat.tools.in-prompt",
        "chat.tools.named-is-called",
        "chat.tools.required-calls",
      ],
    },
    "createChatCompletion",
    ({ answer }) => ({ answer: (request, context) => answer(dropTools(request), context) }),
  ),
  rewrite(
    "tools.named-ignored",
    "a tool that is named need not be called",
    "chat.tools.named-is-called",
    (body) => readNamedChoice(body) !== undefined && omit(body, "tool_choice"),
  ),
  rewrite(
    "tools.named-is-any",
    "a tool that is named counts as `required`: the first one is called",
    "chat.tools.named-is-called",
    (body) => readNamedChoice(body) !== undefined && { ...body, ...nameTool(listFunctions(body)[0]?.["name"]) },
  ),
  mutateFinish(
    "tools.named-finish",
    'a named call ends with "function_call"',
    "chat.tools.named-finish-reason",
    (reason, body) => (reason === "stop" && readNamedChoice(body) !== undefined ? "function_call" : undefined),
  ),
  rewrite(
    "tools.required-ignored",
    "`required` counts as `auto`",
    "chat.tools.required-calls",
    (body) => body["tool_choice"] === "required" && omit(body, "tool_choice"),
  ),
  mutateFinish(
    "tools.required-finish",
    'a required call ends with "stop"',
    "chat.tools.required-finish-reason",
    (reason, body) => (reason === "tool_calls" && body["tool_choice"] === "required" ? "stop" : undefined),
  ),
  rewrite(
    "tools.none-ignored",
    "`none` counts as `auto`",
    "chat.tools.none-calls-nothing",
    (body) => body["tool_choice"] === "none" && omit(body, "tool_choice"),
  ),
  mutateRule(
    {
      id: "tools.auto-refused",
      description: "the model may not choose unless a flag is set",
      intended: ["chat.tools.auto-is-answered"],
    },
    "mutant",
    (body) => (isAuto(body) ? makeRefusal("invalid_value", { param: "tool_choice" }) : null),
  ),
  mutateFinish(
    "tools.auto-finish-stop",
    'a call of the model\'s own choice ends with "stop"',
    "chat.tools.auto-finish-reason",
    (reason, body) => (reason === "tool_calls" && isAuto(body) ? "stop" : undefined),
  ),
  mutateFinish(
    "tools.text-finish",
    'a text ends with "tool_calls" where tools were offered',
    "chat.tools.auto-finish-reason",
    (reason, body) => (reason === "stop" && isAuto(body) ? "tool_calls" : undefined),
  ),
  rewrite(
    "tools.allowed-ignored",
    "`allowed_tools` counts as `required`",
    "chat.tools.allowed-tools",
    (body) => isAllowing(body) && { ...body, tool_choice: "required" },
  ),
  rewrite("tools.parallel-ignored", "`parallel_tool_calls` is ignored", "chat.tools.parallel-off", (body) =>
    omit(body, "parallel_tool_calls"),
  ),
  refuseWhen(
    "tools.null-refused",
    "`parallel_tool_calls: null` is refused",
    "chat.tools.null-is-omitted",
    (body) => body["parallel_tool_calls"] === null,
  ),
  mutateFinish(
    "tools.cut-finish",
    'a call that is cut ends with "tool_calls"',
    "chat.tools.cut-at-limit",
    (reason, body) => (reason === "length" && readNamedChoice(body) !== undefined ? "tool_calls" : undefined),
  ),

  refuseWhen(
    "history.own-answer-refused",
    "`refusal` in a message that calls is an extra input",
    "chat.tools.run-tools-answers",
    (body) => someCalling(body, (message) => "refusal" in message),
  ),
  rewrite("history.result-dropped", "the result of a tool is not read", "chat.tools.result-is-read", (body) => ({
    ...body,
    messages: readMessages(body).map((message) => (message["role"] === "tool" ? omit(message, "content") : message)),
  })),
  refuseWhen(
    "history.two-results-refused",
    "a tool's message must follow the call",
    "chat.tools.history-several-steps",
    (body) => hasPair(body, "tool", "tool"),
  ),
  refuseWhen(
    "history.content-demanded",
    "a message that calls must have `content`",
    "chat.tools.history-without-content",
    (body) => someCalling(body, (message) => !("content" in message)),
  ),
  refuseWhen(
    "history.empty-content-refused",
    'the `content` beside calls may not be ""',
    "chat.tools.history-empty-content",
    (body) => someCalling(body, (message) => message["content"] === ""),
  ),
  refuseWhen("history.result-parts-refused", "parts of a result are refused", "chat.tools.result-parts", (body) =>
    readMessages(body).some(({ role, content }) => role === "tool" && Array.isArray(content)),
  ),

  dropRule(
    "refusal.choice-not-offered",
    "a tool may be named that is not offered",
    "chat.tools.refusal-unknown-choice",
    "choiceIsOffered",
  ),
  dropRule(
    "refusal.choice-without-tools",
    "a choice without tools is ignored",
    "chat.tools.refusal-choice-without-tools",
    "choiceHasTools",
  ),
  dropRule("refusal.choice-unchecked", "any word is a choice", "chat.tools.refusal-choice-unknown", "choiceKnown"),
  dropRule("refusal.tools-alike", "tools may share a name", "chat.tools.refusal-duplicate-names", "toolNamesUnique"),
  dropRule("refusal.tool-nameless", "a tool needs no name", "chat.tools.refusal-name-missing", "toolNamePresent"),
  dropRule("refusal.tool-name-unchecked", "a name may be any", "chat.tools.refusal-name-invalid", "toolNameValid"),
  dropRule(
    "refusal.parameters-unchecked",
    "`parameters` may be a string",
    "chat.tools.refusal-parameters-type",
    "toolParametersObject",
  ),
  dropRule(
    "refusal.parameters-of-string",
    "the schema of a string is taken for `parameters`",
    "chat.tools.refusal-parameters-schema",
    "toolParametersOfObject",
  ),
  dropRule(
    "refusal.tool-type-unchecked",
    "a tool may have any type",
    "chat.tools.refusal-type-unknown",
    "toolTypeKnown",
  ),
  dropBlame("refusal.choice-not-blamed", "chat.tools.refusal-param", "tool_choice.function.name"),
  dropRule("refusal.format-unchecked", "any format is taken", "chat.format.refusal-type-unknown", "formatKnown"),
  dropRule(
    "refusal.format-optional",
    "json_schema needs no `json_schema`",
    "chat.format.refusal-format-missing",
    "schemaFormatPresent",
  ),
  dropRule("refusal.schema-nameless", "a schema needs no name", "chat.format.refusal-name-missing", "schemaNamed"),
  dropRule(
    "refusal.schema-optional",
    "json_schema needs no schema",
    "chat.format.refusal-schema-missing",
    "schemaPresent",
  ),
  dropRule("refusal.schema-unchecked", "a schema may be a string", "chat.format.refusal-schema-type", "schemaObject"),
  dropRule(
    "refusal.schema-impossible",
    "a `$ref` may lead nowhere",
    "chat.format.refusal-broken-reference",
    "schemaPossible",
  ),
  dropBlame("refusal.format-not-blamed", "chat.format.refusal-param", "response_format.type"),
];
