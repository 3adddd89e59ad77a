/** Requests that are refused though they are right, answered though they are wrong, or not heeded. */

import { isJsonObject } from "../../../src/expect.ts";
import { readFormat } from "../../operations/structured-output-rules.ts";
import { type ChatBody, readMessages } from "../../operations/chat-rules.ts";
import {
  dropBlame,
  dropRule,
  isChat,
  isStream,
  type Mutant,
  mutateChoice,
  mutateCompletion,
  mutateOperation,
  mutateRefusal,
  mutateReply,
  mutateRequest,
  omit,
  oneWrite,
  parseSent,
  readReply,
  refuseWhen,
  withHeader,
} from "../mutant.ts";

function refuseMessage(
  id: string,
  description: string,
  intended: string,
  when: (message: ChatBody, index: number, messages: readonly ChatBody[]) => boolean,
): Mutant {
  return refuseWhen(id, description, intended, (body) => readMessages(body).some(when));
}

/** Ignores a parameter. */
function dropParam(
  id: string,
  intended: string,
  param: string,
  when: (value: unknown) => boolean = () => true,
): Mutant {
  return mutateRequest({ id, description: `\`${param}\` is ignored`, intended: [intended] }, (body) => {
    const { [param]: value, ...rest } = body;
    return when(value) ? rest : body;
  });
}

function isRole(role: string, message: ChatBody | undefined): boolean {
  return message?.["role"] === role;
}

/** At temperature 0, with nothing but that to steer the text. */
function isPlainGreedy(body: ChatBody): boolean {
  const steering = ["logprobs", "logit_bias", "response_format"];
  return body["temperature"] === 0 && steering.every((param) => body[param] === undefined);
}

export const chatRequestMutants: readonly Mutant[] = [
  refuseWhen(
    "request.null-refused",
    "a null temperature is a 400",
    "chat.params.null-is-omitted",
    (body) => body["temperature"] === null,
  ),
  refuseWhen(
    "request.cache-key-refused",
    "`prompt_cache_key` is an extra input",
    "chat.params.bookkeeping",
    (body) => "prompt_cache_key" in body,
  ),
  refuseWhen(
    "request.penalty-refused",
    "penalties are refused",
    "chat.params.sampling",
    (body) => typeof body["presence_penalty"] === "number",
  ),
  refuseWhen(
    "request.format-text-refused",
    "response_format text is refused",
    "chat.params.response-format-text",
    (body) => readFormat(body)["type"] === "text",
  ),
  refuseWhen("request.unknown-refused", "unknown parameters are refused", "chat.params.unknown-is-tolerated", (body) =>
    Object.keys(body).some((param) => param.startsWith("conformance")),
  ),
  ...["user", "system", "assistant"].map((role) =>
    refuseMessage(
      `request.${role}-parts-refused`,
      `parts of a ${role} message are refused`,
      `chat.messages.${role}-parts`,
      (message) => isRole(role, message) && Array.isArray(message["content"]),
    ),
  ),
  refuseMessage(
    "request.developer-refused",
    "the developer role is unknown",
    "chat.messages.developer-role",
    (message) => isRole("developer", message),
  ),
  refuseMessage(
    "request.late-system-refused",
    "a system message must come first",
    "chat.messages.several-system",
    (message, index) => index > 0 && isRole("system", message),
  ),
  refuseMessage(
    "request.alternation-demanded",
    "roles must alternate",
    "chat.messages.consecutive-users",
    (message, index, messages) => isRole("user", message) && isRole("user", messages[index - 1]),
  ),
  refuseMessage(
    "request.null-content-refused",
    "`content: null` is refused",
    "chat.messages.tool-turn",
    (message) => message["content"] === null,
  ),
  refuseMessage(
    "request.replay-refused",
    "`annotations` in a message is an extra input",
    "chat.messages.replayed-fields",
    (message) => "annotations" in message,
  ),
  mutateRequest(
    {
      id: "request.last-message-only",
      description: "only the last message is read",
      intended: ["chat.messages.all-are-kept", "responses.stored-chats.messages.same"],
    },
    (body) => ({ ...body, messages: readMessages(body).slice(-1) }),
  ),

  dropRule(
    "refusal.stray-tool-results",
    "a tool's message may answer no call",
    "chat.refusal.tool-result-without-call",
    "resultsHaveCalls",
  ),
  dropRule(
    "refusal.open-tool-calls",
    "a tool call may go unanswered",
    "chat.refusal.tool-call-without-result",
    "callsHaveResults",
  ),
  mutateOperation(
    {
      id: "refusal.model-optional",
      description: "a missing model is the usual one",
      intended: ["chat.refusal.missing-model"],
    },
    "createChatCompletion",
    ({ decode }) => ({
      decode: (call, reader) => {
        const decoded = decode(call, reader);
        return "fields" in decoded ? { fields: { model: "reference-chat", ...decoded.fields } } : decoded;
      },
    }),
  ),
  dropBlame("refusal.model-not-blamed", "chat.refusal.missing-model-param", "model"),
  dropRule(
    "refusal.messages-optional",
    "`messages` may be missing",
    "chat.refusal.missing-messages",
    "messagesPresent",
  ),
  mutateRefusal(
    {
      id: "refusal.messages-not-blamed",
      description: "the refusal of missing messages blames nothing",
      intended: ["chat.refusal.missing-messages-param"],
    },
    ({ name, param }) => name === "missing_parameter" && param === "messages",
    ({ message, type, code }) => ({ error: { message, type, param: null, code } }),
  ),
  dropRule(
    "refusal.messages-empty-accepted",
    "`messages` may be empty",
    "chat.refusal.empty-messages",
    "messagesNotEmpty",
  ),
  dropRule(
    "refusal.messages-text-accepted",
    "`messages` may be a string",
    "chat.refusal.messages-type",
    "messagesArray",
  ),
  dropRule("refusal.role-unchecked", "any role is accepted", "chat.refusal.unknown-role", "roleKnown"),
  dropRule(
    "refusal.temperature-unchecked",
    "any temperature is accepted",
    "chat.refusal.temperature-range",
    "temperatureRange",
  ),
  dropBlame("refusal.temperature-not-blamed", "chat.refusal.temperature-param", "temperature"),
  dropRule(
    "refusal.max-tokens-unchecked",
    "`max_tokens` may be a string",
    "chat.refusal.max-tokens-type",
    "maxTokensType",
  ),
  dropRule("refusal.n-unchecked", "`n: 0` is accepted", "chat.refusal.n-zero", "choicesRange"),
  mutateReply(
    {
      id: "refusal.max-tokens-type-is-500",
      description: "a parameter of the wrong type is a 500",
      intended: ["chat.refusal.max-tokens-type"],
    },
    (reply, call) => reply.status === 400 && typeof parseSent(call)["max_tokens"] === "string",
    () => ({ status: 500 }),
  ),
  mutateReply(
    {
      id: "refusal.unknown-model-is-400",
      description: "an unknown model is a 400",
      intended: ["chat.refusal.unknown-model-404"],
    },
    (reply, call) => isChat(call) && reply.status === 404,
    () => ({ status: 400 }),
  ),
  mutateRefusal(
    {
      id: "refusal.unknown-model-code",
      description: 'an unknown model has the code "not_found"',
      intended: ["chat.refusal.unknown-model-code"],
    },
    (refusal, call) => isChat(call) && refusal.name === "model_not_found",
    ({ message, type, param }) => ({ error: { message, type, param, code: "not_found" } }),
  ),
  mutateReply(
    {
      id: "refusal.inside-the-stream",
      description: "a streaming request is refused by an event under status 200",
      intended: ["chat.stream.refusal-status", "chat.stream.refused-alike", "chat.refusal.too-long-stream"],
    },
    (reply, call) => isChat(call) && reply.status === 400 && parseSent(call)["stream"] === true,
    (reply) => ({
      ...withHeader(reply, "content-type", "text/event-stream"),
      status: 200,
      writes: oneWrite(`data: ${readReply(reply)}\n\n`),
    }),
  ),
  mutateReply(
    {
      id: "refusal.stream-type",
      description: "the refusal of a streaming request is declared as text/event-stream",
      intended: ["chat.stream.refusal-content-type", "responses.refusal.before-the-stream"],
    },
    (reply, call) => reply.status === 400 && parseSent(call)["stream"] === true,
    (reply) => withHeader(reply, "content-type", "text/event-stream"),
  ),

  mutateRequest(
    {
      id: "limit.max-tokens-ignored",
      description: "`max_tokens` is ignored",
      intended: ["chat.limit.max-tokens", "chat.tools.cut-at-limit", "chat.format.cut-at-limit"],
    },
    (body) => omit(body, "max_tokens"),
  ),
  dropParam("limit.max-completion-tokens-ignored", "chat.limit.max-completion-tokens", "max_completion_tokens"),
  mutateChoice(
    {
      id: "limit.finish-stop",
      description: 'a cut answer says "stop"',
      intended: [
        "chat.limit.max-tokens",
        "chat.limit.max-completion-tokens",
        "chat.format.cut-at-limit",
        "chat.tools.cut-at-limit",
      ],
    },
    (choice) => (choice["finish_reason"] === "length" ? { ...choice, finish_reason: "stop" } : choice),
  ),
  dropParam("stop.string-ignored", "chat.stop.string", "stop", (value) => typeof value === "string"),
  mutateRequest(
    {
      id: "stop.list-ignored",
      description: "`stop` is ignored where it is a list",
      intended: ["chat.stop.list", "chat.format.stop"],
    },
    (body) => (Array.isArray(body["stop"]) ? omit(body, "stop") : body),
  ),
  mutateChoice(
    { id: "stop.echoed", description: "the text ends with the stop sequence", intended: ["chat.stop.not-echoed"] },
    (choice, body) => {
      const message = choice["message"];
      if (!isJsonObject(message) || typeof body["stop"] !== "string") return choice;
      return { ...choice, message: { ...message, content: `${String(message["content"])}${body["stop"]}` } };
    },
  ),
  mutateChoice(
    { id: "stop.finish-length", description: 'a stopped text says "length"', intended: ["chat.stop.finish-reason"] },
    (choice, body) => (typeof body["stop"] === "string" ? { ...choice, finish_reason: "length" } : choice),
  ),
  dropParam("n.ignored", "chat.n.choices", "n"),
  mutateCompletion(
    { id: "n.index-zero", description: "all choices have the index 0", intended: ["chat.n.choices"] },
    (completion) => ({ ...completion, choices: completion.choices.map((choice) => ({ ...choice, index: 0 })) }),
  ),
  mutateReply(
    { id: "seed.ignored", description: "the same seed gives another text", intended: ["chat.seed.repeatable"] },
    (reply, call) => isChat(call) && reply.status === 200 && !isStream(reply) && isPlainGreedy(parseSent(call)),
    (reply) => ({ writes: oneWrite(readReply(reply).replace(/"content":"/, `$&${Math.random()} `)) }),
  ),
];
