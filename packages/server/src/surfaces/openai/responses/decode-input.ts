/**
 * The items of a response's input to the turns of a chat. Reasoning, an answer and the calls that follow it are one
 * turn. A call of a hosted tool that another server has run is shown as a call like others. What is not text is refused by name.
 */

import { AiError, wrapInput } from "@openai-compat/core";
import type { ChatMessage, ChatToolCall } from "@openai-compat/core";
import { HOSTED_ITEM_TYPES } from "@openai-compat/spec";
import type { HostedItem, InputItem, InputMessage, InputReasoning, MessageContentPart } from "@openai-compat/spec";
import { unsupportedValue } from "../parameter-rules.ts";
import { presentSummary, unreadableCompaction } from "./compaction.ts";
import { flattenName } from "./decode-tools.ts";
import type { Openers } from "./reasoning-seal.ts";

/** An item, and where it stands in the request. */
export interface PlacedItem {
  readonly item: InputItem;
  readonly param: string;
}

export interface InputOptions extends Pick<Openers, "openReasoning" | "openCompaction"> {
  /** They come first; null for none. */
  readonly instructions: string | null;
}

/** A turn of a chat, its content a text or what was made of parts. */
export type Turn<Content> = Omit<ChatMessage, "content"> & { readonly content: string | Content };

export interface TurnOptions<Content> extends InputOptions {
  /** @throws AiError for parts that can't be shown to the model */
  readonly decodeParts: (parts: readonly MessageContentPart[], param: string) => string | Content;
}

/**
 * @throws AiError `unsupported_value` for images, files and the like; `invalid_value` for an output without its call, a
 *   call without its output, and a compaction that can't be opened
 */
export function decodeInput(items: readonly PlacedItem[], options: InputOptions): ChatMessage[] {
  return decodeTurns<string>(items, { ...options, decodeParts: joinParts });
}

/** The same with parts that are not text. @throws AiError as `decodeInput`, but for what `decodeParts` takes */
export function decodeTurns<Content>(
  items: readonly PlacedItem[],
  { instructions, openReasoning, openCompaction, decodeParts }: TurnOptions<Content>,
): Turn<Content>[] {
  const turns = new Turns<Content>(decodeParts);
  if (instructions !== null && instructions !== "") turns.add({ role: "system", content: instructions });
  for (const placed of items) {
    const { item, param } = placed;
    if (item.type === "reasoning") turns.addReasoning(readReasoning(item, openReasoning));
    else if (item.type === "compaction") turns.addAnswer(readCompaction(item.encrypted_content, param, openCompaction));
    else addItem(turns, placed);
  }
  return turns.finish();
}

/** As text, or sealed, or as its summary, of which this server's holds all of it. */
function readReasoning(
  { content, encrypted_content: sealed, summary }: InputReasoning,
  open: InputOptions["openReasoning"],
): string {
  const join = (parts: InputReasoning["content"] | InputReasoning["summary"]) =>
    (parts ?? []).map(({ text }) => text).join("\n");
  const opened = typeof sealed === "string" ? open(sealed) : null;
  return join(content) || opened || join(summary);
}

/** What the model was shown to have said itself gives nothing in it the weight of an instruction. */
function readCompaction(sealed: string, param: string, open: InputOptions["openCompaction"]): string {
  const summary = open(sealed);
  if (summary === null) throw unreadableCompaction(param);
  return presentSummary(summary);
}

/** Collects turns; the last answer is open for calls. */
class Turns<Content> {
  readonly decodeParts: TurnOptions<Content>["decodeParts"];
  readonly #messages: Turn<Content>[] = [];
  #answer: { content: string | Content; reasoning: string; toolCalls: ChatToolCall[] } | null = null;
  /** Of the answer that comes next. */
  #reasoning = "";
  /** Calls without an output so far. */
  readonly #open = new Map<string, string>();
  readonly #answered = new Set<string>();

  constructor(decodeParts: TurnOptions<Content>["decodeParts"]) {
    this.decodeParts = decodeParts;
  }

  add(message: Turn<Content>): void {
    this.#flush();
    this.#messages.push(message);
  }

  addReasoning(text: string): void {
    if (text !== "") this.#reasoning = this.#reasoning === "" ? text : `${this.#reasoning}\n${text}`;
  }

  addAnswer(content: string | Content): void {
    this.#flush();
    this.#openAnswer(content);
  }

  addCall(call: ChatToolCall, param: string): void {
    const answer = this.#answer ?? this.#openAnswer("");
    answer.toolCalls.push(call);
    this.#open.set(call.id, param);
  }

  addOutput(toolCallId: string, content: string | Content, param: string): void {
    if (!this.#open.delete(toolCallId) && !this.#answered.has(toolCallId)) {
      const message = `No tool call found for function call output with call_id ${toolCallId.slice(0, 100)}.`;
      throw new AiError("invalid_value", message, { param });
    }
    this.#answered.add(toolCallId);
    this.add({ role: "tool", content, toolCallId });
  }

  finish(): Turn<Content>[] {
    const [open] = this.#open;
    if (open !== undefined) {
      const [id, param] = open;
      const message = `No tool output found for function call ${id.slice(0, 100)}.`;
      throw new AiError("invalid_value", message, { param });
    }
    this.#flush();
    return this.#messages;
  }

  #openAnswer(content: string | Content) {
    this.#answer = { content, reasoning: this.#reasoning, toolCalls: [] };
    this.#reasoning = "";
    return this.#answer;
  }

  #flush(): void {
    if (this.#answer === null) return;
    const { content, reasoning, toolCalls } = this.#answer;
    this.#answer = null;
    this.#messages.push({
      role: "assistant",
      content,
      ...(reasoning === "" ? {} : { reasoning }),
      ...(toolCalls.length === 0 ? {} : { toolCalls }),
    });
  }
}

const HOSTED_TYPES: ReadonlySet<unknown> = new Set(HOSTED_ITEM_TYPES);

function isHosted(item: InputItem): item is HostedItem {
  return HOSTED_TYPES.has(item.type);
}

function addItem<Content>(turns: Turns<Content>, { item, param }: PlacedItem): void {
  if (isHosted(item)) {
    addHosted(turns, item, param);
    return;
  }
  switch (item.type) {
    case undefined:
    case "message":
      // oxlint-disable-next-line typescript/no-unnecessary-condition -- a reference may lack its type, too
      if ("content" in item) addMessage(turns, item, param);
      return;
    case null:
    case "item_reference":
    case "reasoning":
    case "compaction":
    case "configuration_update":
      return;
    case "function_call":
      return turns.addCall({ id: item.call_id, name: readName(item), arguments: item.arguments }, param);
    case "custom_tool_call":
      return turns.addCall({ id: item.call_id, name: readName(item), arguments: wrapInput(item.input) }, param);
    case "function_call_output":
    case "custom_tool_call_output":
      return addOutput(turns, item, param);
    default:
      throw unsupportedValue(`${param}.type`, String(Reflect.get(item, "type")), "the types of a response's input");
  }
}

function readName({ namespace, name }: { namespace?: string | null | undefined; name: string }): string {
  return flattenName({ namespace: namespace ?? null, name });
}

type CallOutput = Extract<InputItem, { type: "function_call_output" | "custom_tool_call_output" }>;

function addOutput<Content>(turns: Turns<Content>, { call_id: id, output }: CallOutput, param: string): void {
  const content = typeof output === "string" ? output : turns.decodeParts(output, `${param}.output`);
  turns.addOutput(id, content, `${param}.call_id`);
}

function addMessage<Content>(turns: Turns<Content>, { role, content }: InputMessage, param: string): void {
  const text = typeof content === "string" ? content : turns.decodeParts(content, `${param}.content`);
  switch (role) {
    case "user":
      return turns.add({ role: "user", content: text });
    case "assistant":
      return turns.addAnswer(text);
    case "developer":
    case "system":
      return turns.add({ role: "system", content: text });
  }
}

/** Parts are separate pieces of text, so a line break keeps them apart. @throws AiError for one that is no text */
export function joinParts(parts: readonly MessageContentPart[], param: string): string {
  return parts.map((part, index) => decodePart(part, `${param}[${index}]`)).join("\n");
}

function decodePart(part: MessageContentPart, param: string): string {
  switch (part.type) {
    case "input_text":
    case "output_text":
      return part.text;
    case "refusal":
      return part.refusal;
    case "input_image":
    case "input_file":
      throw unsupportedValue(`${param}.type`, part.type, "'input_text'");
  }
}

/** Fields that say nothing to a model. */
const LABELS: ReadonlySet<string> = new Set(["type", "id", "call_id", "status", "created_by", "caller"]);

/**
 * What a client's or another server's own tool was called with and has answered. A call without an output of its own
 * holds its result.
 */
function addHosted<Content>(turns: Turns<Content>, item: HostedItem, param: string): void {
  const fields: Readonly<Record<string, unknown>> = item;
  const said = JSON.stringify(Object.fromEntries(Object.entries(fields).filter(([name]) => !LABELS.has(name))));
  const callId = fields["call_id"];
  const id = typeof callId === "string" ? callId : (item.id ?? param);
  switch (item.type) {
    case "computer_call":
    case "shell_call":
    case "local_shell_call":
    case "apply_patch_call":
      return turns.addCall({ id, name: item.type, arguments: said }, param);
    case "computer_call_output":
      throw unsupportedValue(`${param}.type`, item.type, "outputs that are text");
    case "shell_call_output":
    case "local_shell_call_output":
    case "apply_patch_call_output":
      return turns.addOutput(id, said, param);
    case "file_search_call":
    case "web_search_call":
    case "code_interpreter_call":
    case "mcp_call":
      turns.addCall({ id, name: item.type, arguments: "{}" }, param);
      return turns.addOutput(id, said, param);
    case "tool_search_call":
    case "tool_search_output":
    case "additional_tools":
    case "image_generation_call":
    case "mcp_list_tools":
    case "mcp_approval_request":
    case "mcp_approval_response":
    case "compaction_trigger":
    case "program":
    case "program_output":
      throw unsupportedValue(`${param}.type`, item.type, "messages, and calls of tools with their outputs");
  }
}
