/**
 * Chat between admission and engine: fits the request into the model's context, runs one generation per choice and
 * merges them into one stream of events.
 */

import { randomBytes } from "node:crypto";
import { decodeAiError } from "../ai-error-data.ts";
import { AiError } from "../ai-error.ts";
import { defineCalls } from "../call-kind.ts";
import type { Calls } from "../call-kind.ts";
import type { AdmittedCall } from "../call.ts";
import { NO_USAGE } from "../usage.ts";
import type {
  ChatEngine,
  ChatMessage,
  GenerationEvent,
  GenerationRequest,
  PreparedPrompt,
  Sampling,
} from "../engine/chat-engine.ts";
import type { ChatOutput } from "../engine/chat-output.ts";
import { createInputReader } from "../engine/custom-input.ts";
import type { InputReader } from "../engine/custom-input.ts";
import type { ModelOperationId } from "../model-operation-id.ts";
import type { Engine } from "../operations.ts";
import type { RegisteredModel } from "../models/registry.ts";
import type { CostEstimate } from "../pipeline.ts";
import type { ChatEvent, ChatRequest, ChatRun } from "./chat-request.ts";
import {
  CHARACTERS_PER_TOKEN_MAX,
  contextLengthExceeded,
  knownContextTokens,
  learnContextTokens,
} from "./context-length.ts";
import { withLease } from "./model-lease.ts";
import { prepareTruncated } from "./truncate-chat.ts";
import { mergeGenerations } from "./merge-streams.ts";
import type { TaggedEvent } from "./merge-streams.ts";
import { buildSampling, isReproducible, shiftSeed } from "./sampling.ts";

/**
 * Messages of one call, and calls of tools in all of them: a template is rendered in one go, whatever it is made of.
 */
const MESSAGES_MAX = 2048;

/** A chat that the model can take: tokenised, and with nothing left to refuse. */
interface PreparedChat {
  readonly engine: ChatEngine;
  readonly request: ChatRequest;
  readonly prompt: PreparedPrompt;
  /** Of the first choice; each further one adds one to the seed. */
  readonly sampling: Sampling;
}

/** Answers to a conversation. */
export const chatCalls = defineChatCalls("createChatCompletion", "chatcmpl-");

/** The same for an operation that has more to say about a conversation than its messages. */
export const responseCalls = defineChatCalls("createResponse", "resp_");

/** A response whose text stands for the conversation that it was made of. */
export const compactionCalls = defineChatCalls("Compactconversation", "resp_");

/** How many tokens the prompt of such a chat has. It takes no slot and costs nothing, and may have no room for an answer. */
export const inputTokenCalls: Calls<ChatRequest, number> = {
  operation: "Getinputtokencounts",
  async serve(gate, target, request) {
    const { call, engine, releaseEngine } = await gate.resolve(target, {
      operation: "Getinputtokencounts",
      isServedBy: isChatEngine,
    });
    try {
      const { prompt } = await preparePrompt(engine, request, call.signal);
      return prompt.tokens.length;
    } finally {
      releaseEngine();
    }
  },
};

function isChatEngine(engine: Engine): engine is ChatEngine {
  return engine.type === "chat";
}

function defineChatCalls(operation: ModelOperationId, idPrefix: string): Calls<ChatRequest, ChatRun> {
  return defineCalls({
    operation,
    isServedBy: isChatEngine,
    prepare: (engine, request, signal) =>
      request.isTruncated === true
        ? prepareTruncatedChat(engine, request, signal)
        : prepareChat(engine, request, signal),
    estimate: estimateChat,
    run: runChat,
    start: async (events, { prompt, sampling }, facts): Promise<ChatRun> => ({
      ...facts,
      id: `${idPrefix}${randomBytes(16).toString("hex")}`,
      relaxed: prompt.relaxed,
      sampling,
      events,
    }),
  });
}

/**
 * Renders and tokenises the prompt and makes sure that the model can honour the request and has room for an answer.
 *
 * @throws AiError `context_length_exceeded`, `invalid_value` for too many messages, and what the engine refuses
 */
async function prepareChat(engine: ChatEngine, request: ChatRequest, signal: AbortSignal): Promise<PreparedChat> {
  const prepared = await preparePrompt(engine, request, signal);
  const { tokens, contextTokens, refusal } = prepared.prompt;
  if (tokens.length >= contextTokens) throw tooLong(contextTokens, `${tokens.length} tokens`);
  if (refusal !== null) throw decodeAiError(refusal);
  return { engine, request, ...prepared };
}

/** @throws AiError for what is too long to be tokenised, `invalid_value` for too many messages */
async function preparePrompt(
  engine: ChatEngine,
  request: ChatRequest,
  signal: AbortSignal,
): Promise<Pick<PreparedChat, "prompt" | "sampling">> {
  const { messages, output, topLogprobs } = request;
  const characters = messages.reduce((sum, message) => sum + measureMessage(message), measureOutput(output));
  const known = knownContextTokens(engine);
  if (characters > known * CHARACTERS_PER_TOKEN_MAX) {
    throw tooLong(known, `more than ${Math.floor(characters / CHARACTERS_PER_TOKEN_MAX)} tokens`);
  }
  refuseMany(messages);
  const sampling = buildSampling(request, engine.recommendedSampling);
  const prompt = await engine.prepare({ messages, options: { sampling, output, topLogprobs } }, signal);
  learnContextTokens(engine, prompt.contextTokens);
  return { prompt, sampling };
}

/** Without the oldest turns of a conversation that is too long. @throws AiError as `prepareChat` */
function prepareTruncatedChat(engine: ChatEngine, request: ChatRequest, signal: AbortSignal): Promise<PreparedChat> {
  return prepareTruncated(request.messages, {
    prepare: (messages) => prepareChat(engine, { ...request, messages }, signal),
    isTooLong: (thrown) => thrown instanceof AiError && (isTooLong(thrown) || isTooMany(thrown)),
    hasRoom({ prompt: { contextTokens, tokens } }) {
      const wanted = Math.min(request.tokensMax ?? contextTokens, contextTokens * ANSWER_SHARE);
      return contextTokens - tokens.length >= wanted;
    },
  });
}

/** Of the context: what a truncated conversation leaves for an answer that asks for no less. */
const ANSWER_SHARE = 0.25;

const isTooLong = ({ code }: AiError) => code === "context_length_exceeded";
const isTooMany = ({ code, param }: AiError) => code === "invalid_value" && param === "messages";

function refuseMany(messages: readonly ChatMessage[]): void {
  const calls = messages.reduce((sum, { toolCalls = [] }) => sum + toolCalls.length, 0);
  const [found, what] = calls > messages.length ? [calls, "tool calls"] : [messages.length, "messages"];
  if (found <= MESSAGES_MAX) return;
  const message = `Invalid 'messages': a chat may have at most ${MESSAGES_MAX} ${what}, but this one has ${found}.`;
  throw new AiError("invalid_value", message, { param: "messages" });
}

/**
 * The most that the chat can use: its prompt, known exactly, and for every choice all the tokens that it may sample.
 */
function estimateChat({ request, prompt }: PreparedChat): CostEstimate {
  const inputTokens = prompt.tokens.length;
  const outputTokens = request.choices * limitTokens(request, prompt);
  // Few answers are as long as the context has room for.
  const expectedTokens = inputTokens + (request.tokensMax === null ? 0 : outputTokens);
  const { relaxed } = prompt;
  return { maxUsage: { ...NO_USAGE, inputTokens, outputTokens }, expectedTokens, streamed: request.stream, relaxed };
}

function limitTokens(request: ChatRequest, prompt: PreparedPrompt): number {
  const room = prompt.contextTokens - prompt.tokens.length;
  return Math.min(request.tokensMax ?? room, room);
}

/** Characters of all that a template may render, and no less than those of one token. */
function measureMessage({ content, name = "", toolCallId = "", toolCalls = [] }: ChatMessage): number {
  const calls = toolCalls.reduce((sum, call) => sum + call.id.length + call.name.length + call.arguments.length, 0);
  // Not the reasoning: most templates leave it out.
  return Math.max(CHARACTERS_PER_TOKEN_MAX, content.length + name.length + toolCallId.length + calls);
}

/** What the prompt says about the output format. */
function measureOutput({ toolUse, format }: ChatOutput): number {
  const tools = toolUse === null ? 0 : JSON.stringify(toolUse.tools).length;
  return format.type === "json-schema" ? tools + JSON.stringify(format.schema).length : tools;
}

function tooLong(contextTokens: number, found: string): AiError {
  return contextLengthExceeded({ contextTokens, found: `your messages resulted in ${found}`, param: "messages" });
}

/** Runs an admitted chat, each choice in a slot of its own. */
async function* runChat(call: AdmittedCall<RegisteredModel>, chat: PreparedChat): AsyncGenerator<ChatEvent, void> {
  const { request, prompt } = chat;
  const choices = Array.from({ length: request.choices }, (_, index) => createChoice(index));
  for (const { index } of choices) yield { type: "choice-start", index };

  const promptTokens = prompt.tokens.length;
  let cachedTokens = 0;
  const sum = (count: "completionTokens" | "reasoningTokens") =>
    choices.reduce((total, choice) => total + choice[count], 0);
  const customTools = listCustomTools(request.output);
  for await (const { tag: choice, event } of generateChoices(call, chat, choices)) {
    if (event.type === "generation-start") {
      if (choice.index === 0) cachedTokens = event.cachedTokens;
      continue;
    }
    if (event.type === "prompt-end") continue;
    choice.completionTokens = event.completionTokens;
    call.meter.report({ ...NO_USAGE, inputTokens: promptTokens, cachedTokens, outputTokens: sum("completionTokens") });
    const mapped = mapEvent(choice, event, customTools);
    if (mapped !== null) yield mapped;
  }
  const usage = {
    promptTokens,
    completionTokens: sum("completionTokens"),
    cachedTokens,
    reasoningTokens: sum("reasoningTokens"),
  };
  yield { type: "chat-end", usage };
}

function generateChoices(
  { principal, signal, slots }: AdmittedCall<RegisteredModel>,
  chat: PreparedChat,
  choices: readonly Choice[],
): AsyncIterable<TaggedEvent<Choice>> {
  const { engine } = chat;
  const shareId = principal.accountId;
  const options = { signal, slots, engine, concurrency: engine.limits.concurrency };
  const generate = (leaseId: string | null) =>
    mergeGenerations(
      choices.map((choice) => ({ tag: choice, request: buildGeneration(chat, choice.index, { leaseId, shareId }) })),
      options,
    );
  return choices.length === 1 ? generate(null) : withLease(engine, signal, generate);
}

/** What is known of a choice while it is made. */
interface Choice {
  readonly index: number;
  completionTokens: number;
  reasoningTokens: number;
  calls: number;
  /** Of the call that is open; null for one of a function. */
  input: InputReader | null;
}

function createChoice(index: number): Choice {
  return { index, completionTokens: 0, reasoningTokens: 0, calls: 0, input: null };
}

function listCustomTools({ toolUse }: ChatOutput): ReadonlySet<string> {
  const tools = toolUse?.tools ?? [];
  return new Set(tools.filter(({ kind }) => kind === "custom").map(({ name }) => name));
}

/** An engine's event in the terms of a chat, null where a caller gets nothing of it; the choice keeps count. */
function mapEvent(
  choice: Choice,
  event: Exclude<GenerationEvent, { type: "generation-start" | "prompt-end" }>,
  customTools: ReadonlySet<string>,
): ChatEvent | null {
  const { index } = choice;
  switch (event.type) {
    case "reasoning-delta":
      return { type: "reasoning-delta", index, text: event.text };
    case "text-delta":
      return { type: "text-delta", index, text: event.text, logprobs: event.logprobs ?? null };
    case "tool-call-start": {
      const callIndex = choice.calls;
      choice.calls += 1;
      const id = `call_${randomBytes(TOOL_CALL_ID_BYTES).toString("hex")}`;
      const isCustom = customTools.has(event.name);
      choice.input = isCustom ? createInputReader() : null;
      return {
        type: "tool-call-start",
        index,
        callIndex,
        id,
        kind: isCustom ? "custom" : "function",
        name: event.name,
      };
    }
    case "tool-call-delta": {
      const text = choice.input === null ? event.text : choice.input.push(event.text);
      const kind = choice.input === null ? "function" : "custom";
      return text === "" ? null : { type: "tool-call-delta", index, callIndex: choice.calls - 1, kind, text };
    }
    case "generation-end":
      choice.reasoningTokens = event.reasoningTokens;
      return { type: "choice-end", index, finishReason: event.finishReason };
  }
}

const TOOL_CALL_ID_BYTES = 12;

function buildGeneration(
  chat: PreparedChat,
  index: number,
  ids: Pick<GenerationRequest, "leaseId" | "shareId">,
): GenerationRequest {
  const { request, prompt, sampling } = chat;
  return {
    prompt: { tokens: prompt.tokens },
    ...ids,
    style: "chat",
    scoresPrompt: false,
    isReproducible: isReproducible(request),
    output: request.output,
    topLogprobs: request.topLogprobs,
    tokensMax: limitTokens(request, prompt),
    stop: request.stop,
    sampling: shiftSeed(sampling, index),
  };
}
