/**
 * Tools that no prompt here invites a model to call, and the calls that come back. `require…` leaves the caller
 * inconclusive where another check owns the defect; nothing here judges the target.
 */

import { z } from "zod";
import type { CheckContext } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { type ChatChunk, chatChunks } from "../../src/expect-stream.ts";
import {
  assume,
  expectJsonObject,
  expectStatus,
  expectThat,
  isJsonObject,
  type JsonObject,
  requireSuccess,
  throwIfUnsupported,
} from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import { askChat, type ChatFields, readChoice, requireUsage, streamChat, userMessage } from "./chat-calls.ts";
import { closedObject, expectFits, expectJsonText, type Form, LOTS, requireUncut } from "./forms.ts";
import { answerOwners, OWNERS } from "./owners.ts";

/** A function that the caller offers, and what its arguments have to be. */
export interface KnownTool {
  readonly name: string;
  readonly form: Form;
  /** As it is sent. */
  readonly tool: ChatFields;
}

function defineTool(name: string, description: string, form: Form): KnownTool {
  return {
    name,
    form,
    tool: { type: "function", function: { name, description, strict: true, parameters: form.schema } },
  };
}

export const REPORT = defineTool("file_quern_report", "Files the report on a quern.", {
  schema: closedObject({ lot: { type: "string", enum: LOTS }, sealed: { type: "boolean" } }),
  shape: z.strictObject({ lot: z.enum(LOTS), sealed: z.boolean() }),
});

export const TRAY = defineTool("mark_ossel_tray", "Marks a tray for ossels.", {
  schema: closedObject({ tray: { type: "string", enum: ["ossel-kx-19"] } }),
  shape: z.strictObject({ tray: z.literal("ossel-kx-19") }),
});

export const KNOWN_TOOLS: readonly KnownTool[] = [REPORT, TRAY];

/** Enough for any call here, however many tokens the target makes of it. */
const CALL_TOKENS = 160;

/** Both tools offered; the prompt speaks of the sea. */
export const OFFER: ChatFields = { tools: KNOWN_TOOLS.map(({ tool }) => tool), max_tokens: CALL_TOKENS };

/** The request that forces a call of this tool. */
export function forceTool({ name }: KnownTool, fields: ChatFields = {}): ChatFields {
  return { ...OFFER, tool_choice: { type: "function", function: { name } }, ...fields };
}

/** A prompt that begs for both tools. */
export const BEGGING = userMessage(`Call ${REPORT.name} and call ${TRAY.name} now, each of them once.`);

/** A prompt that begs for both, and a server that has to call. */
export const BOTH: ChatFields = { ...OFFER, messages: [BEGGING], tool_choice: "required" };

/** How often a model may be asked for two calls at once before it counts as unable. */
const ATTEMPTS = 3;

/** Asks for two calls until they come. @throws Inconclusive where they don't, and what `ask` throws */
export async function requireSeveral<T>(ask: () => Promise<T>, count: (answer: T) => number): Promise<T> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const answer = await ask();
    if (count(answer) > 1) return answer;
  }
  throw new Inconclusive("the model called one tool only", "model");
}

/** Ends the check as unsupported where the target says that it has no tools, or no such choice among them. */
export function throwIfNoTools(exchange: Exchange): void {
  throwIfUnsupported(exchange, "tools", "tool_choice");
}

/**
 * The first choice of an answer.
 *
 * @throws Unsupported, Inconclusive where there is none, or one that may not be cut is
 */
export function requireToolChoice(exchange: Exchange, { mayBeCut = false } = {}): JsonObject {
  throwIfNoTools(exchange);
  const body = assume("a chat completion", answerOwners(exchange), () => {
    expectStatus(exchange, 200);
    return expectJsonObject(exchange);
  });
  const choice = readChoice(body);
  if (!mayBeCut) requireUncut(choice);
  return choice;
}

/** What stands in `message.tool_calls`, as far as it is objects. */
export function listCalls({ message }: JsonObject): readonly JsonObject[] {
  const calls = isJsonObject(message) ? message["tool_calls"] : undefined;
  return Array.isArray(calls) ? calls.filter(isJsonObject) : [];
}

/** The `function` of a call. */
export function readCalled(call: JsonObject): JsonObject {
  return isJsonObject(call["function"]) ? call["function"] : {};
}

export function listNames(choice: JsonObject): readonly unknown[] {
  return listCalls(choice).map((call) => readCalled(call)["name"]);
}

/** A choice that calls. @throws Unsupported, Inconclusive */
export async function requireCalling(context: CheckContext, fields: ChatFields): Promise<JsonObject> {
  const exchange = await askChat(context, fields);
  const choice = requireToolChoice(exchange);
  if (listCalls(choice).length > 0) return choice;
  const begged = requireToolChoice(await askChat(context, beg(fields)));
  if (listCalls(begged).length > 0) return begged;
  await requireToolsInPrompt(context, fields);
  throw new Inconclusive("no tool was called", OWNERS.called);
}

/** That a named tool is called, for what can't be seen on a call that was begged for. @throws Unsupported, Inconclusive */
export async function requireForce(context: CheckContext): Promise<void> {
  const choice = requireToolChoice(await askChat(context, forceTool(REPORT)));
  if (listCalls(choice).length > 0) return;
  throw new Inconclusive("a named tool is not called, which chat.tools.named-is-called judges", OWNERS.calledByName);
}

/** The same without force, where force is not obeyed: what a call looks like can still be seen. */
function beg(fields: ChatFields): ChatFields {
  return { ...fields, messages: [BEGGING], tool_choice: "auto" };
}

export interface PromptTokens {
  readonly withTools: number;
  readonly without: number;
}

/**
 * Tokens of the prompt with these tools and without; null where they are refused, or where the tokens are the same for
 * every prompt.
 */
export async function countTools(context: CheckContext, { tools }: ChatFields): Promise<PromptTokens | null> {
  const plain: ChatFields = { messages: [SHORT] };
  const probe = await askChat(context, { ...plain, tools, max_tokens: 1 });
  if ((probe.response?.status ?? 0) !== 200) return null;
  const count = async (part: ChatFields): Promise<number> =>
    (await requireUsage(context, { ...plain, ...part, max_tokens: 1 })).prompt_tokens;
  const [withTools, without, longer] = [await count({ tools }), await count({}), await count({ messages: [BEGGING] })];
  return longer === without ? null : { withTools, without };
}

const SHORT = userMessage("Hello.");

/** What to do where a chat template drops the tools; "" where the prompt shows them. */
export async function describeDropped(context: CheckContext, fields: ChatFields): Promise<string> {
  const tokens = await countTools(context, fields);
  if (tokens === null || tokens.withTools !== tokens.without) return "";
  const what = "prompt_tokens are the same with tools as without, which chat.tools.in-prompt judges";
  return `${what}: the chat template of this model seems to drop them; take a model whose template has tools`;
}

/** That a model which was not forced has read of the tools. @throws Inconclusive with what to do */
export async function requireToolsInPrompt(context: CheckContext, fields: ChatFields): Promise<void> {
  const hint = await describeDropped(context, fields);
  if (hint !== "") throw new Inconclusive(hint, "model");
}

/** The only call of a server that was made to call this tool. @throws Unsupported, Inconclusive */
export async function requireCall(context: CheckContext, tool = REPORT, fields: ChatFields = {}): Promise<JsonObject> {
  const calls = listCalls(await requireCalling(context, forceTool(tool, fields)));
  const call = calls.find((candidate) => readCalled(candidate)["name"] === tool.name);
  if (call === undefined) {
    throw new Inconclusive("not the tool that was asked for was called, which other checks judge", OWNERS.calledByName);
  }
  return call;
}

/** The arguments of a call as JSON text. @throws Inconclusive */
export function requireArguments(call: JsonObject): string {
  const { arguments: text } = readCalled(call);
  return assume("function.arguments is a string", OWNERS.callArguments, () => {
    expectThat(typeof text === "string", { observer: "schema", expected: "a string", actual: JSON.stringify(text) });
    return text;
  });
}

/** The arguments of a call that fit. @throws Unsupported, Inconclusive */
export async function requireFitting(context: CheckContext, fields: ChatFields = {}): Promise<string> {
  const text = requireArguments(await requireCall(context, REPORT, fields));
  assume("arguments that fit", OWNERS.callFits, () => expectFits(expectJsonText(text), REPORT.form));
  return text;
}

/** One entry of `delta.tool_calls`. */
export interface CallDelta extends JsonObject {
  readonly function: JsonObject;
}

/** Every entry of `delta.tool_calls` in the order sent, as far as it is an object. */
export function listCallDeltas(chunks: readonly ChatChunk[]): readonly CallDelta[] {
  const entries = chunks.flatMap(({ choices }) => choices.flatMap(({ delta }) => delta["tool_calls"] ?? []));
  return entries.filter(isJsonObject).map((entry) => ({ ...entry, function: readCalled(entry) }));
}

/** The chunks of a stream that calls, to its end. @throws Unsupported, Inconclusive */
export async function requireCallChunks(context: CheckContext, fields: ChatFields): Promise<readonly ChatChunk[]> {
  const chunks = await requireToolChunks(context, fields);
  if (listCallDeltas(chunks).length > 0) return chunks;
  const begged = await requireToolChunks(context, beg(fields));
  if (listCallDeltas(begged).length > 0) return begged;
  await requireToolsInPrompt(context, fields);
  throw new Inconclusive("no tool was called", OWNERS.calledInStream);
}

/** The chunks of a stream with tools, to its end. @throws Unsupported, Inconclusive */
export async function requireToolChunks(context: CheckContext, fields: ChatFields): Promise<readonly ChatChunk[]> {
  const outcome = await streamChat(context, fields);
  throwIfNoTools(outcome.exchange);
  requireSuccess(outcome, answerOwners(outcome.exchange));
  const chunks = chatChunks(outcome.exchange, OWNERS.streamRead);
  requireUncutStream(chunks);
  return chunks;
}

/** A stream whose answer was not cut at its limit. @throws Inconclusive */
export function requireUncutStream(chunks: readonly ChatChunk[]): void {
  for (const choice of chunks.flatMap(({ choices }) => choices)) requireUncut(choice);
}

/** The deltas of each call, by their index. @throws Inconclusive where one has none, which another check owns */
export function groupDeltas(deltas: readonly CallDelta[]): ReadonlyMap<number, readonly CallDelta[]> {
  const groups = new Map<number, CallDelta[]>();
  for (const delta of deltas) {
    const { index } = delta;
    if (typeof index !== "number")
      throw new Inconclusive("an entry of delta.tool_calls has no index", OWNERS.callIndex);
    groups.set(index, [...(groups.get(index) ?? []), delta]);
  }
  return groups;
}

/** The arguments of one call, put together as a client does it. @throws Inconclusive where a piece is no string */
export function joinArguments(deltas: readonly CallDelta[]): string {
  const pieces = deltas.map((delta) => delta.function["arguments"] ?? "");
  if (pieces.every((piece) => typeof piece === "string")) return pieces.join("");
  throw new Inconclusive("a piece of the arguments is no string", OWNERS.callPieces);
}
