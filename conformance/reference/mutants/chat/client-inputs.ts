/** Servers that refuse or mangle what libraries write, and nothing that the other checks send. */

import { type ClientInput, INPUT_GROUPS } from "../../../checks/support/client-inputs.ts";
import { isJsonObject } from "../../../src/expect.ts";
import type { ChatBody } from "../../operations/chat-rules.ts";
import { makeRefusal } from "../../refusal.ts";
import { composeCalls } from "../../tool-answer.ts";
import { type Mutant, mutateChoice, mutateMessage, mutateRule } from "../mutant.ts";

/** The groups of which an entry matches, as the ids of their checks. */
function listChecks(matches: (fields: ClientInput["fields"]) => boolean): readonly string[] {
  return INPUT_GROUPS.filter(({ entries }) => entries.some(({ fields }) => matches(fields))).map(
    ({ group }) => `chat.inputs.${group}`,
  );
}

const holds =
  (text: string) =>
  ({ response_format: format, tools }: ClientInput["fields"] | ChatBody): boolean =>
    JSON.stringify([format, tools]).includes(text);

/** What a library writes, and servers with a parser of their own don't know. */
const REFUSED: Readonly<Record<string, string>> = {
  "names-beyond-ascii": '"名前"',
  "dialect-of-schema": '"$schema":"http://json-schema.org/draft-07/schema#"',
  "reference-to-the-root": '"$ref":"#"',
  "format-of-integers": '"format":"int64"',
  "title-of-properties": '"title":"Explanation"',
  "hand-over-tools": '"name":"transfer_to_',
  "names-with-hyphens": '"name":"get-',
  "schema-called-response": '"name":"response"',
  "functions-for-outputs": '"name":"twoAddresses"',
  "schemas-in-definitions": '"definitions":{"category',
};

const refusing = Object.entries(REFUSED).map(([id, text]) =>
  mutateRule(
    {
      id: `inputs.${id}`,
      description: `schemas and tools that hold ${text} are refused`,
      intended: listChecks(holds(text)),
    },
    "clientInput",
    (body) => (holds(text)(body) ? makeRefusal("invalid_value", { param: "response_format" }) : null),
  ),
);

/** A key of a name that only the schemas of these checks have. */
const HOLES = /"(?:favourite|final_answer)":(?:"[^"]*"|null),?/;

export const clientInputMutants: readonly Mutant[] = [
  ...refusing,
  mutateMessage(
    {
      id: "inputs.answer-with-a-hole",
      description: "an answer to a schema lacks a required key",
      intended: ["chat.inputs.answers-conform"],
    },
    (message) => ({ ...message, content: dropKey(message["content"]) }),
  ),
  mutateChoice(
    {
      id: "inputs.call-with-a-hole",
      description: "the arguments of a call lack a required key",
      intended: ["chat.inputs.calls-conform"],
    },
    (choice, body) => (composeCalls(body, "x").some(({ name }) => name === "Address") ? emptyCalls(choice) : choice),
  ),
];

function dropKey(text: unknown): unknown {
  return typeof text === "string" ? text.replace(HOLES, "") : text;
}

function emptyCalls(choice: Record<string, unknown>): Record<string, unknown> {
  const message = isJsonObject(choice["message"]) ? choice["message"] : {};
  const calls: unknown = message["tool_calls"];
  const changed = Array.isArray(calls)
    ? calls.map((call: unknown) =>
        isJsonObject(call) && isJsonObject(call["function"])
          ? { ...call, function: { ...call["function"], arguments: "{}" } }
          : call,
      )
    : calls;
  return { ...choice, message: { ...message, tool_calls: changed } };
}
