/** Defects of the calls themselves, non-streaming and in the deltas of a stream. */

import { isJsonObject, type JsonObject } from "../../../src/expect.ts";
import type { Chunk, ChunkChoice, ToolCallDelta } from "../../operations/chat-answer.ts";
import type { ChatBody } from "../../operations/chat-rules.ts";
import { listFunctions, readNamedChoice } from "../../tool-answer.ts";
import { type Mutant, mutateChoice, mutateChunks, omit } from "../mutant.ts";

interface Naming {
  readonly id: string;
  readonly description: string;
  readonly intended: readonly string[];
}

const REQUIRED = "required";

/** Changes the message of non-streaming answers that call; `when` looks at the request. */
function mutateCalling(
  naming: Naming,
  when: (body: ChatBody) => boolean,
  change: (message: JsonObject, calls: readonly JsonObject[]) => object,
): Mutant {
  return mutateChoice(naming, (choice, body) => {
    const { message } = choice;
    if (!isJsonObject(message) || !Array.isArray(message["tool_calls"]) || !when(body)) return choice;
    return { ...choice, message: change(message, message["tool_calls"].filter(isJsonObject)) };
  });
}

/** Changes each call of non-streaming answers. */
function mutateCall(naming: Naming, when: (body: ChatBody) => boolean, change: (call: JsonObject) => object): Mutant {
  return mutateCalling(naming, when, (message, calls) => ({ ...message, tool_calls: calls.map(change) }));
}

/** Changes the arguments of non-streaming calls. */
function mutateArguments(naming: Naming, when: (body: ChatBody) => boolean, change: (text: string) => unknown): Mutant {
  return mutateCall(naming, when, (call) => {
    const { function: called } = call;
    if (!isJsonObject(called)) return call;
    return { ...call, function: { ...called, arguments: change(String(called["arguments"])) } };
  });
}

/** Whether one tool was named that takes something. */
function isNamed(body: ChatBody): boolean {
  return readNamedChoice(body) !== undefined && !hasBareTool(body);
}

function hasBareTool(body: ChatBody): boolean {
  return listFunctions(body).some(({ parameters }) => parameters === undefined);
}

interface DeltaPosition {
  /** Of the delta among those of its call. */
  readonly position: number;
  readonly body: ChatBody;
}

/** Changes each delta of a call; none or several may come of it. */
function mutateDeltas(
  naming: Naming,
  change: (delta: ToolCallDelta, position: DeltaPosition) => readonly object[],
): Mutant {
  return mutateChunks(naming, (chunks, body) => {
    const seen = new Map<number, number>();
    return chunks.flatMap((chunk): object[] => {
      const [choice] = chunk.choices;
      const [delta] = choice?.delta.tool_calls ?? [];
      if (choice === undefined || delta === undefined || !("function" in delta)) return [chunk];
      const position = seen.get(delta.index) ?? 0;
      seen.set(delta.index, position + 1);
      return change(delta, { position, body }).map((changed) => replaceDelta(chunk, { tool_calls: [changed] }));
    });
  });
}

/** Changes one delta of each call, by default the first. */
function mutateDelta(naming: Naming, change: (delta: ToolCallDelta) => object, at = 0): Mutant {
  return mutateDeltas(naming, (delta, { position }) => [position === at ? change(delta) : delta]);
}

function replaceDelta(chunk: Chunk, delta: object): object {
  return { ...chunk, choices: chunk.choices.map((choice) => ({ ...choice, delta })) };
}

/** Changes the end of streams that call. */
function mutateEnd(naming: Naming, change: (choice: ChunkChoice, body: ChatBody) => object): Mutant {
  return mutateChunks(naming, (chunks, body) => {
    if (!chunks.some(hasCall)) return chunks;
    return chunks.map((chunk) => ({
      ...chunk,
      choices: chunk.choices.map((choice) => (choice.finish_reason === null ? choice : change(choice, body))),
    }));
  });
}

function hasCall(chunk: Chunk): boolean {
  return chunk.choices.some(({ delta }) => delta.tool_calls !== undefined);
}

function readPiece(chunk: Chunk): string {
  const [delta] = chunk.choices[0]?.delta.tool_calls ?? [];
  return delta !== undefined && "function" in delta ? delta.function.arguments : "";
}

function intend(id: string, description: string, ...intended: readonly string[]): Naming {
  return { id, description, intended };
}

const always = (): boolean => true;

const oneShotMutants: readonly Mutant[] = [
  mutateCall(intend("call.id-missing", "a call has no id", "chat.tools.id"), isNamed, (call) => omit(call, "id")),
  mutateCall(intend("call.id-constant", "all calls have one id", "chat.tools.id"), isNamed, (call) => ({
    ...call,
    id: "call_0",
  })),
  mutateCall(
    intend("call.ids-shared", "calls of one answer share an id", "chat.tools.parallel-ids"),
    (body) => body["tool_choice"] === REQUIRED,
    (call) => ({ ...call, id: "call_0" }),
  ),
  mutateCall(
    intend("call.type-missing", "a call has no type", "chat.tools.type", "chat.tools.run-tools-calls"),
    always,
    (call) => (call["function"] === undefined ? call : omit(call, "type")),
  ),
  mutateArguments(
    intend("call.arguments-object", "the arguments are an object", "chat.tools.arguments-string"),
    always,
    (text) => ({ text }),
  ),
  mutateArguments(
    intend("call.arguments-truncated", "the last brace of the arguments is lost", "chat.tools.arguments-json"),
    isNamed,
    (text) => text.slice(0, -1),
  ),
  mutateArguments(
    intend(
      "call.arguments-null",
      "the arguments are the text `null`",
      "chat.tools.arguments-json",
      "chat.tools.arguments-fit",
    ),
    isNamed,
    () => "null",
  ),
  mutateArguments(
    intend("call.arguments-free", "the arguments do not conform to their schema", "chat.tools.arguments-fit"),
    isNamed,
    () => '{"lot":"the sea","sealed":"yes"}',
  ),
  mutateArguments(
    intend("call.auto-arguments-free", "calls of its own accord have no arguments", "chat.tools.auto-calls-fit"),
    (body) => body["tool_choice"] === undefined,
    () => "{}",
  ),
  mutateCall(
    intend("call.auto-unknown-tool", "the model calls a tool of its own making", "chat.tools.auto-calls-fit"),
    (body) => body["tool_choice"] === undefined,
    (call) => ({ ...call, function: { name: "tell_the_time", arguments: "{}" } }),
  ),
  mutateArguments(
    intend(
      "call.no-arguments-empty",
      "a tool without parameters is called with an empty text",
      "chat.tools.no-parameters",
    ),
    hasBareTool,
    () => "",
  ),
  mutateCalling(
    intend("call.content-parts", "`content` beside a call is a list", "chat.tools.content"),
    isNamed,
    (message) => ({
      ...message,
      content: [],
    }),
  ),
  mutateCalling(
    intend("call.content-missing", "a message that calls has no `content`", "chat.tools.content"),
    isNamed,
    (message) => omit(message, "content"),
  ),
  mutateCalling(
    intend("call.in-content", "a call stands in the text as well", "chat.tools.not-in-content"),
    isNamed,
    (message, calls) => ({ ...message, content: calls.map((call) => readArguments(call)).join("\n") }),
  ),
];

function readArguments({ function: called }: JsonObject): string {
  return isJsonObject(called) ? String(called["arguments"]) : "";
}

const streamMutants: readonly Mutant[] = [
  mutateDeltas(
    intend("call-stream.as-text", "a streamed call is written as text", "chat.tools.stream-calls"),
    () => [],
  ),
  mutateDeltas(intend("call-stream.no-index", "the deltas have no index", "chat.tools.stream-index"), (delta) => [
    omit(delta, "index"),
  ]),
  mutateDeltas(
    intend(
      "call-stream.index-from-one",
      "the first call has the index 1",
      "chat.tools.stream-index-order",
      "chat.tools.stream-sdk-helper",
    ),
    (delta) => [{ ...delta, index: delta.index + 1 }],
  ),
  mutateDeltas(
    intend("call-stream.index-shared", "all calls have the index 0", "chat.tools.stream-index-own"),
    (delta) => [{ ...delta, index: 0 }],
  ),
  mutateDelta(intend("call-stream.no-id", "a streamed call has no id", "chat.tools.stream-id-first"), (delta) =>
    omit(delta, "id"),
  ),
  mutateDeltas(intend("call-stream.id-repeated", "each delta has the id", "chat.tools.stream-id-once"), (delta) => [
    { ...delta, id: `call_streamed_${delta.index}` },
  ]),
  mutateDeltas(
    intend("call-stream.id-changes", "each delta has an id of its own", "chat.tools.stream-id-once"),
    (delta, { position }) => [{ ...delta, id: `call_streamed_${delta.index}_${position}` }],
  ),
  mutateDelta(
    intend(
      "call-stream.no-name",
      "a streamed call has no name",
      "chat.tools.stream-name-first",
      "chat.tools.stream-sdk-helper",
    ),
    (delta) => ({ ...delta, function: { arguments: "" } }),
  ),
  mutateDeltas(
    intend(
      "call-stream.name-fragmented",
      "the name comes in two pieces",
      "chat.tools.stream-name-first",
      "chat.tools.stream-name-once",
      "chat.tools.stream-sdk-helper",
    ),
    (delta) => {
      const { name } = delta.function;
      if (name === undefined) return [delta];
      return [
        { ...delta, function: { name: name.slice(0, 5), arguments: "" } },
        { index: delta.index, function: { name: name.slice(5), arguments: "" } },
      ];
    },
  ),
  mutateDelta(
    intend("call-stream.name-repeated", "a second delta has the name", "chat.tools.stream-name-once"),
    (delta) => ({ ...delta, function: { ...delta.function, name: "file_quern_report" } }),
    1,
  ),
  mutateDelta(
    intend(
      "call-stream.no-type",
      "a streamed call has no type",
      "chat.tools.stream-type-first",
      "chat.tools.stream-sdk-helper",
    ),
    (delta) => omit(delta, "type"),
  ),
  mutateDeltas(
    intend("call-stream.arguments-object", "the arguments come as objects", "chat.tools.stream-arguments-strings"),
    (delta) => [{ ...delta, function: { ...delta.function, arguments: { piece: delta.function.arguments } } }],
  ),
  mutateDeltas(
    intend("call-stream.piece-lost", "a piece of the arguments is lost", "chat.tools.stream-arguments"),
    (delta, { position }) => (position === 2 ? [] : [delta]),
  ),
  mutateDeltas(
    intend("call-stream.other-call", "a streamed call has other arguments", "chat.tools.stream-equals-one-shot"),
    (delta) => [
      { ...delta, function: { ...delta.function, arguments: delta.function.arguments.replace("7301", "7302") } },
    ],
  ),
  mutateEnd(
    intend("call-stream.no-end", "a stream that calls has no finish_reason", "chat.tools.stream-sdk-helper"),
    (choice) => ({ ...choice, finish_reason: null }),
  ),
  mutateEnd(
    intend(
      "call-stream.finish-stop",
      'a stream with a required call ends with "stop"',
      "chat.tools.stream-finish-reason",
    ),
    (choice, body) => (body["tool_choice"] === REQUIRED ? { ...choice, finish_reason: "stop" } : choice),
  ),
  mutateChunks(
    intend("call-stream.in-content", "a call is streamed as text as well", "chat.tools.stream-not-in-content"),
    (chunks) =>
      chunks.flatMap((chunk): object[] =>
        readPiece(chunk) === "" ? [chunk] : [replaceDelta(chunk, { content: readPiece(chunk) }), chunk],
      ),
  ),
];

export const toolCallMutants: readonly Mutant[] = [...oneShotMutants, ...streamMutants];
