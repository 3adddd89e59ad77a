/** Responses of the wrong kind, text, end, events or calls. */

import { REPORT } from "../../../checks/support/tool-calls.ts";
import type { JsonObject } from "../../../src/expect.ts";
import type { Fields } from "../../operations/operation.ts";
import { afterAll, isStream, type Mutant, mutateReply, omit, withHeader } from "../mutant.ts";
import { changeItems, lose, mutateAnswer, mutateEvents, mutateResponse, refuse } from "./changes.ts";

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null;
}

function readFormat({ text }: Fields): unknown {
  return isObject(text) && isObject(text["format"]) ? text["format"]["type"] : undefined;
}

function isNamed({ tool_choice: choice }: Fields, type: string): boolean {
  return isObject(choice) && choice["type"] === type;
}

const answerMutants: readonly Mutant[] = [
  mutateResponse(
    {
      id: "responses.cut-is-completed",
      description: "an answer that its limit has cut is completed",
      intended: ["responses.limit.incomplete"],
    },
    (response, { stream }) =>
      stream === true || response["status"] === "completed"
        ? response
        : { ...response, status: "completed", incomplete_details: null },
  ),
  ...["json_schema", "json_object"].map((type) =>
    lose(
      {
        id: `responses.ignores-${type.replace("_", "-")}`,
        description: `the output format ${type} is ignored`,
        intended: [`responses.format.${type.replace("_", "-")}`],
      },
      (request) => (readFormat(request) === type ? omit(request, "text") : request),
    ),
  ),
];

const streamMutants: readonly Mutant[] = [
  mutateReply(
    {
      id: "responses.stream-as-json",
      description: "a stream has the content type of JSON",
      intended: ["responses.stream.content-type"],
    },
    (reply, call) => call.operation === "createResponse" && isStream(reply),
    (reply) => withHeader(reply, "content-type", "application/json"),
  ),
  mutateReply(
    {
      id: "responses.stream-at-once",
      description: "a stream is sent in one piece, when all of it has been made",
      intended: ["responses.stream.flushed"],
    },
    (reply, call) => call.operation === "createResponse" && isStream(reply),
    (reply) => ({ writes: afterAll(reply) }),
  ),
  mutateAnswer(
    {
      id: "responses.stream-says-less",
      description: "a stream ends with a shorter text than the answer",
      intended: ["responses.stream.equals-answer"],
    },
    (answer) =>
      answer.request["stream"] !== true || answer.request["temperature"] !== 0
        ? answer
        : changeItems(answer, ({ content, ...item }) => ({
            ...item,
            content: [content].flat().map((part) => (isObject(part) ? { ...part, text: "You wrote" } : part)),
          })),
  ),
  mutateEvents(
    {
      id: "responses.cut-stream-is-completed",
      description: "a stream that its limit has cut ends with response.completed",
      intended: ["responses.stream.incomplete"],
    },
    (events) =>
      events.map((event) =>
        event["type"] === "response.incomplete" ? { ...event, type: "response.completed" } : event,
      ),
  ),
];

const toolMutants: readonly Mutant[] = [
  lose(
    {
      id: "responses.ignores-named-tool",
      description: "a `tool_choice` that names a function is ignored",
      intended: ["responses.create.call", "responses.tools.named-is-called"],
    },
    (request) => (isNamed(request, "function") ? omit(request, "tool_choice") : request),
  ),
  lose(
    {
      id: "responses.ignores-required",
      description: "`tool_choice: required` is ignored",
      intended: ["responses.tools.required-calls"],
    },
    (request) => (request["tool_choice"] === "required" ? omit(request, "tool_choice") : request),
  ),
  lose(
    {
      id: "responses.ignores-allowed-tools",
      description: "any tool is called where some are allowed",
      intended: ["responses.tools.allowed-tools"],
    },
    (request) => (isNamed(request, "allowed_tools") ? { ...request, tool_choice: "required" } : request),
  ),
  lose(
    {
      id: "responses.ignores-none",
      description: "`tool_choice: none` is ignored",
      intended: ["responses.tools.none"],
    },
    (request) => (request["tool_choice"] === "none" ? omit(request, "tool_choice") : request),
  ),
  lose(
    {
      id: "responses.ignores-parallel",
      description: "`parallel_tool_calls: false` is ignored",
      intended: ["responses.tools.one-at-a-time"],
    },
    (request) => omit(request, "parallel_tool_calls"),
  ),
  mutateAnswer(
    {
      id: "responses.ignores-strict",
      description: "the arguments of a strict function are an empty object",
      intended: ["responses.tools.strict-arguments"],
    },
    (answer) =>
      changeItems(answer, (item) =>
        item["name"] === REPORT.name && isNamed(answer.request, "function") ? { ...item, arguments: "{}" } : item,
      ),
  ),
  mutateAnswer(
    {
      id: "responses.custom-as-function",
      description: "a custom tool is called as a function",
      intended: ["responses.tools.custom-is-called"],
    },
    (answer) =>
      changeItems(answer, (item) =>
        item["type"] === "custom_tool_call" ? { ...omit(item, "input"), type: "function_call", arguments: "{}" } : item,
      ),
  ),
  refuse(
    {
      id: "responses.refuses-second-turn",
      description: "a call is refused when it comes back",
      intended: ["responses.tools.sdk-round-trip"],
    },
    ({ input }) => Array.isArray(input) && input.some((item) => isObject(item) && item["output"] === "filed"),
  ),
];

export const responseAnswerMutants: readonly Mutant[] = [...answerMutants, ...streamMutants, ...toolMutants];
