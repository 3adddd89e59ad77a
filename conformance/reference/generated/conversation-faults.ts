/** Parts of what a caller says, or of what a model says, that are lost; and numbers of the usage that are wrong. */

import type { HttpOperationId } from "@openai-compat/spec";
import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import { oneWrite, readReply } from "../mutants/mutant.ts";
import type { Fields } from "../operations/operation.ts";
import { changeBody, changeEvents, withData } from "./edit-reply.ts";
import { type Fault, listModes, modeOfFields, modeOfReply, OPERATION_NAMES } from "./fault.ts";

type Messages = readonly JsonObject[];

const MESSAGE_RULES: Readonly<Record<string, (messages: Messages) => Messages>> = {
  "system-dropped": (messages) => messages.filter(({ role }) => role !== "system"),
  "developer-dropped": (messages) => messages.filter(({ role }) => role !== "developer"),
  "first-turn-dropped": (messages) => {
    const first = messages.findIndex(({ role }) => role === "user");
    const isLast = messages.findLastIndex(({ role }) => role === "user") === first;
    return isLast ? messages : messages.toSpliced(first, 1);
  },
  "last-alone": (messages) => messages.slice(-1),
  "first-alone": (messages) => messages.slice(0, 1),
  "assistant-dropped": (messages) =>
    messages.filter(({ role, tool_calls: calls }) => role !== "assistant" || calls !== undefined),
  "results-emptied": (messages) =>
    messages.map((message) => {
      if (message["type"] === "function_call_output") return { ...message, output: "" };
      return message["role"] === "tool" ? { ...message, content: "" } : message;
    }),
  "parts-but-the-first-dropped": (messages) =>
    messages.map((message) => {
      const { content } = message;
      return Array.isArray(content) && content.length > 1 ? { ...message, content: content.slice(0, 1) } : message;
    }),
  "trimmed-to-100-characters": (messages) =>
    messages.map((message) => {
      const { content } = message;
      return typeof content === "string" && content.length > 100
        ? { ...message, content: content.slice(0, 100) }
        : message;
    }),
};

const loseNonAscii = (text: string): string => text.replaceAll(/\P{ASCII}+/gu, "");
const questionNonAscii = (text: string): string => text.replaceAll(/\P{ASCII}/gu, "?");

/** Where a conversation stands in the request of an operation. */
const CONVERSATIONS = [
  { id: "createChatCompletion", member: "messages" },
  { id: "createResponse", member: "input" },
] as const;

/** Whose requests are texts, and whose answers. */
const ASKED = [
  "createChatCompletion",
  "createCompletion",
  "createResponse",
  "createEmbedding",
  "createSpeech",
] as const;
const SAID = ["createChatCompletion", "createCompletion", "createResponse", "createTranscription"] as const;
const COUNTED = ["createChatCompletion", "createCompletion", "createResponse", "createEmbedding"] as const;

function listMessageFaults({ id, member }: (typeof CONVERSATIONS)[number]): readonly Fault[] {
  return listModes(id).flatMap((mode) =>
    Object.entries(MESSAGE_RULES).map(([name, change]) =>
      defineRequestFault({ id, mode, name, operator: "conversation" }, (fields) => {
        const messages = fields[member];
        if (!Array.isArray(messages) || !messages.every(isJsonObject)) return fields;
        const changed = change(messages);
        const isSame = changed.length === messages.length && changed.every((message, at) => message === messages[at]);
        return isSame ? fields : { ...fields, [member]: changed };
      }),
    ),
  );
}

export function listConversationFaults(): readonly Fault[] {
  return [
    ...CONVERSATIONS.flatMap(listMessageFaults),
    ...ASKED.flatMap((id) =>
      listModes(id).flatMap((mode) => [
        defineRequestFault({ id, mode, name: "non-ascii-lost", operator: "text" }, (fields) =>
          changeTexts(fields, loseNonAscii),
        ),
        defineRequestFault({ id, mode, name: "non-ascii-questioned", operator: "text" }, (fields) =>
          changeTexts(fields, questionNonAscii),
        ),
      ]),
    ),
    ...SAID.flatMap((id) =>
      listModes(id).flatMap((mode) => [
        defineAnswerFault({ id, mode, name: "non-ascii-lost", operator: "text" }, loseNonAscii),
        defineAnswerFault({ id, mode, name: "non-ascii-questioned", operator: "text" }, questionNonAscii),
        defineAnswerFault({ id, mode, name: "non-ascii-read-as-latin1", operator: "text" }, (text) =>
          Buffer.from(text).toString("latin1"),
        ),
        defineAnswerFault({ id, mode, name: "escaped-twice", operator: "text" }, (text) =>
          text.replaceAll(/\\n/g, "\\\\n").replaceAll('\\"', '\\\\\\"'),
        ),
      ]),
    ),
    ...COUNTED.flatMap((id) => listModes(id).flatMap((mode) => listUsageFaults(id, mode))),
  ];
}

interface Naming {
  readonly id: HttpOperationId;
  readonly mode: "body" | "stream";
  readonly name: string;
  readonly operator: string;
}

function describe({ id, mode, name, operator }: Naming): Omit<Fault, "mutate"> {
  return {
    id: `${OPERATION_NAMES[id]}.${mode}.${operator}.${name}`,
    description: `${operator} of a ${mode}: ${name}`,
    operation: id,
    mode,
    operator,
  };
}

/** Changes what is asked for. */
function defineRequestFault(naming: Naming, change: (fields: Fields) => Fields): Fault {
  const { id, mode } = naming;
  const named = { ...naming, name: `request-${naming.name}` };
  return {
    ...describe(naming.operator === "text" ? named : naming),
    mutate: ({ operations }) => {
      const { decode } = operations[id];
      const changed = {
        ...operations[id],
        decode: (...given: Parameters<typeof decode>) => {
          const decoded = decode(...given);
          if ("refusal" in decoded || modeOfFields(decoded.fields) !== mode) return decoded;
          const fields = change(decoded.fields);
          return fields === decoded.fields ? decoded : { fields };
        },
      };
      return { operations: { ...operations, [id]: changed } };
    },
  };
}

/** Every text of a request; the very same value where none changes. */
function changeTexts<T>(value: T, change: (text: string) => string): T {
  const text = JSON.stringify(value);
  if (typeof text !== "string" || change(text) === text) return value;
  return JSON.parse(text, (_, member: unknown) => (typeof member === "string" ? change(member) : member));
}

/** Changes the text that is written. */
function defineAnswerFault(naming: Naming, change: (text: string) => string): Fault {
  const { id, mode } = naming;
  return {
    ...describe({ ...naming, name: `answer-${naming.name}` }),
    mutate: () => ({
      reply: (given, call) => {
        if (call.operation !== id || modeOfReply(given) !== mode) return given;
        if (mode === "body") {
          const text = readReply(given);
          const changed = change(text);
          return changed === text ? given : { ...given, writes: oneWrite(changed) };
        }
        const writes = given.writes.map((write) => {
          const text = change(String(write.data));
          return text === write.data ? write : { ...write, data: text };
        });
        return writes.every((write, index) => write === given.writes[index]) ? given : { ...given, writes };
      },
    }),
  };
}

const NUMBERS: Readonly<Record<string, (number: number) => number | null>> = {
  zero: () => 0,
  doubled: (number) => 2 * number,
  "one-less": (number) => number - 1,
  null: () => null,
  constant: () => 10,
};

type ChangeNumber = (number: number) => number | null;

/** Of an answer, of a chunk, or of the response in an event. */
function changeUsage(data: unknown, change: ChangeNumber): unknown {
  if (!isJsonObject(data)) return data;
  const { usage, response } = data;
  if (isJsonObject(response)) return { ...data, response: changeUsage(response, change) };
  return isJsonObject(usage) ? { ...data, usage: changeNumbers(usage, change) } : data;
}

/** All numbers at once, so that their sum is right. */
function changeNumbers(usage: JsonObject, change: ChangeNumber): JsonObject {
  const [into, out] =
    "input_tokens" in usage ? ["input_tokens", "output_tokens"] : ["prompt_tokens", "completion_tokens"];
  const [prompt, completion] = [usage[into], usage[out]];
  if (typeof prompt !== "number") return usage;
  const input = change(prompt);
  if (typeof completion !== "number") return { ...usage, [into]: input, total_tokens: input };
  const output = change(completion);
  const total = input === null || output === null ? null : input + output;
  return { ...usage, [into]: input, [out]: output, total_tokens: total };
}

function listUsageFaults(id: HttpOperationId, mode: "body" | "stream"): readonly Fault[] {
  return Object.entries(NUMBERS).map(([name, change]): Fault => ({
    ...describe({ id, mode, name, operator: "usage" }),
    mutate: () => ({
      reply: (given, call) => {
        if (call.operation !== id || modeOfReply(given) !== mode) return given;
        const changeData = (data: unknown): unknown => changeUsage(data, change);
        if (mode === "body") return changeBody(given, changeData);
        return changeEvents(given, (events) => events.map((event) => withData(event, changeData(event.data))));
      },
    }),
  }));
}
