/**
 * Defects at the edges of what clients send: prompts too long, limits not reached, texts that are none, paths not
 * there.
 */

import { isJsonObject } from "../../../src/expect.ts";
import type { Chunk } from "../../operations/chat-answer.ts";
import { type ChatBody, CHAT_RULES, PROMPT_TOKENS_MAX, readMessages } from "../../operations/chat-rules.ts";
import { REFERENCE_RULES, validateBy } from "../../operations/create-chat-completion.ts";
import type { Fields } from "../../operations/operation.ts";
import { lose, refuse } from "../completions/changes.ts";
import {
  isChat,
  type Mutant,
  mutateChoice,
  mutateChunks,
  mutateFinish,
  mutateOperation,
  mutateReply,
  mutateRequest,
  mutateRule,
  oneWrite,
  parseSent,
  readSent,
  refuseWhen,
  withHeader,
} from "../mutant.ts";

/** Limits by which the requests of these checks are known. */
const TEXT_LIMIT = 29;
const FORM_LIMIT = 199;
const CALLS_LIMIT = 159;

const HALF_PAIR = "\\ud83d";

function isStreaming(body: ChatBody): boolean {
  return body["stream"] === true;
}

function asksEmptyOptions({ stream_options: options }: ChatBody): boolean {
  return isJsonObject(options) && Object.keys(options).length === 0;
}

function refusesUsage({ stream_options: options }: ChatBody): boolean {
  return isJsonObject(options) && options["include_usage"] === false;
}

const WITH_USAGE = { stream_options: { include_usage: true } };

/** Streams the usage where it was not asked for. */
function giveUsage(slug: string, when: (body: ChatBody) => boolean): readonly Mutant[] {
  const change = (body: ChatBody): ChatBody => (when(body) ? { ...body, ...WITH_USAGE } : body);
  const name = (area: string): Omit<Mutant, "mutate"> => ({
    id: `usage.${slug}-${area}`,
    description: `${area}: a stream whose options do not ask for the usage has it`,
    intended: [`${area}.stream.usage-${slug}`],
  });
  return [mutateRequest(name("chat"), change), lose(name("completions"), change)];
}

/** Cuts an answer before its limit, and calls it cut. */
function cutEarly(intended: string, stream: boolean): Mutant {
  const naming = {
    id: `length.half-way${stream ? "-stream" : ""}-${intended.split(".")[0]}`,
    description: 'a text ends by "length" after half of its tokens',
    intended: [intended],
  };
  const change = (body: ChatBody): ChatBody =>
    body["max_tokens"] === TEXT_LIMIT && isStreaming(body) === stream ? { ...body, max_tokens: 12 } : body;
  return intended.startsWith("chat") ? mutateRequest(naming, change) : lose(naming, change);
}

/** Calls a whole answer cut. */
function sayLength(id: string, description: string, intended: string, limit: number): readonly Mutant[] {
  const change = (chunks: readonly Chunk[], body: ChatBody): readonly unknown[] =>
    chunks.map((chunk) => ({
      ...chunk,
      choices: chunk.choices.map((choice) =>
        choice.finish_reason === null || body["max_tokens"] !== limit ? choice : { ...choice, finish_reason: "length" },
      ),
    }));
  return [
    mutateFinish(id, description, intended, (_, body) => (body["max_tokens"] === limit ? "length" : undefined)),
    mutateChunks({ id: `${id}-stream`, description, intended: [`${intended}-stream`] }, change),
  ];
}

function failOnHalfPair(slug: string, path: string): Mutant {
  return mutateReply(
    {
      id: `half-surrogate.${slug}`,
      description: `half a surrogate pair in a request to ${path} is a 500`,
      intended: [`errors.input.half-surrogate-${slug}`],
    },
    (_, call) => call.path === path && readSent(call).includes(HALF_PAIR),
    () => ({ status: 500 }),
  );
}

/** Each path of the document that a server may lack, missing in a way of its own. */
const MISSING_WAYS = ["page", "page-404", "500", "bare-501"] as const;
const MISSING_PATHS = [
  "/moderations",
  "/responses",
  "/images/generations",
  "/files",
  "/batches",
  "/assistants",
  "/threads/runs",
  "/vector_stores",
  "/fine_tuning/jobs",
  "/realtime/client_secrets",
];

function missBadly(path: string, index: number): Mutant {
  const way = MISSING_WAYS[index % MISSING_WAYS.length];
  const slug = path.slice(1).replaceAll(/[/_]/g, "-");
  return mutateReply(
    {
      id: `documented-path.${slug}`,
      description: `${path} is answered with a ${way}, as if the server lacked it`,
      intended: [`errors.documented-path.${slug}`],
    },
    (_, call) => call.path === path,
    (reply) => {
      if (way === "500") return { status: 500 };
      if (way === "bare-501") return { status: 501, writes: oneWrite('{"detail":"Not implemented"}') };
      const page = { ...withHeader(reply, "content-type", "text/html"), writes: oneWrite("<!doctype html>") };
      return { ...page, status: way === "page" ? 200 : 404 };
    },
  );
}

/** After one body that no operation reads, a plain call of this one fails. */
function fallSick(slug: string): Mutant {
  return {
    id: `input.falls-sick-${slug}`,
    description: `/${slug}: the request after a body of one bracket fails`,
    intended: [`errors.input.${slug}-live-on`],
    mutate: () => {
      let isSick = false;
      return {
        reply: (reply, call) => {
          if (call.path !== `/${slug}`) return reply;
          if (readSent(call) === "{") isSick = true;
          if (reply.status !== 200 || !isSick) return reply;
          isSick = false;
          return { ...reply, status: 500 };
        },
      };
    },
  };
}

function hasReusedIds(body: ChatBody): boolean {
  const calls = readMessages(body).flatMap((message) => message["tool_calls"] ?? []);
  const ids = calls.map((call) => (isJsonObject(call) ? call["id"] : undefined));
  return new Set(ids).size < ids.length;
}

function isBiasFraction({ logit_bias: biases }: ChatBody): boolean {
  return isJsonObject(biases) && Object.values(biases).some((bias) => !Number.isInteger(bias));
}

function isScoredOffer(body: ChatBody): boolean {
  return body["logprobs"] === true && Array.isArray(body["tools"]);
}

function cut(message: Fields): Fields {
  const { content } = message;
  return typeof content === "string" ? { ...message, content: content.slice(0, PROMPT_TOKENS_MAX) } : message;
}

export const edgeMutants: readonly Mutant[] = [
  mutateOperation(
    {
      id: "refusal.long-chat-cut",
      description: "a chat that is too long loses its end in silence",
      intended: ["chat.refusal.too-long"],
    },
    "createChatCompletion",
    ({ answer }) => ({
      validate: validateBy({ ...REFERENCE_RULES, messagesFit: () => null }),
      answer: (request, context) => answer({ ...request, messages: readMessages(request).map(cut) }, context),
    }),
  ),
  mutateRule(
    {
      id: "refusal.long-stream-begun",
      description: "a stream of a chat that is too long is begun",
      intended: ["chat.refusal.too-long-stream"],
    },
    "messagesFit",
    (body) => (isStreaming(body) ? null : CHAT_RULES.messagesFit(body)),
  ),
  mutateOperation(
    {
      id: "completions.long-stream-begun",
      description: "a stream of a prompt that is too long is begun",
      intended: ["completions.refusal.too-long-stream"],
    },
    "createCompletion",
    ({ validate }) => ({
      validate: (request) => {
        const refusal = validate(request);
        return refusal?.name === "context_length_exceeded" && isStreaming(request) ? null : refusal;
      },
    }),
  ),
  ...giveUsage("empty-options", asksEmptyOptions),
  ...giveUsage("false", refusesUsage),
  cutEarly("chat.limit.length-is-reached", false),
  cutEarly("chat.limit.length-is-reached-stream", true),
  cutEarly("completions.limit.length-is-reached", false),
  cutEarly("completions.limit.length-is-reached-stream", true),
  ...sayLength("length.form", "an answer of a schema is called cut", "chat.format.length-is-reached", FORM_LIMIT),
  ...sayLength("length.equal-calls", "an answer of equal calls is called cut", "chat.tools.equal-calls", CALLS_LIMIT),
  failOnHalfPair("chat", "/chat/completions"),
  failOnHalfPair("completions", "/completions"),
  failOnHalfPair("embeddings", "/embeddings"),
  failOnHalfPair("speech", "/audio/speech"),
  ...MISSING_PATHS.map(missBadly),
  fallSick("completions"),
  fallSick("embeddings"),
  refuseWhen(
    "tools.reused-ids-refused",
    "ids of calls may not come again in a history",
    "chat.tools.history-reused-ids",
    hasReusedIds,
  ),
  refuseWhen("bias.fraction-refused", "a fraction is no bias", "chat.sampling.logit-bias-fraction", isBiasFraction),
  refuse(
    {
      id: "completions.bias-fraction-refused",
      description: "a fraction is no bias of a completion",
      intended: ["completions.sampling.logit-bias-fraction"],
    },
    "logit_bias",
    isBiasFraction,
  ),
  mutateReply(
    {
      id: "tools.logprobs-fail",
      description: "log probabilities beside tools are a 500",
      intended: ["chat.tools.logprobs", "chat.tools.logprobs-stream"],
    },
    (_, call) => isChat(call) && isScoredOffer(parseSent(call)),
    () => ({ status: 500 }),
  ),
  mutateChoice(
    {
      id: "tools.logprobs-shape",
      description: "the log probabilities of an answer that calls are a list",
      intended: ["chat.tools.logprobs"],
    },
    (choice, body) => (isScoredOffer(body) ? { ...choice, logprobs: [] } : choice),
  ),
  mutateChunks(
    {
      id: "tools.logprobs-in-place-of-calls",
      description: "a stream with log probabilities has no calls",
      intended: ["chat.tools.logprobs-stream"],
    },
    (chunks, body) =>
      isScoredOffer(body) ? chunks.filter(({ choices: [choice] }) => choice?.delta.tool_calls === undefined) : chunks,
  ),
];
