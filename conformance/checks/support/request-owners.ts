/**
 * Which checks judge that a request of a certain shape is answered, or that one with a certain mistake is refused: found
 * in what was sent. A part of `owners.ts`.
 */

import type { Exchange } from "../../src/exchange.ts";
import { isJsonObject, type JsonObject } from "../../src/json-object.ts";
import { defineOwners, type Owners } from "../../src/owners.ts";

/** Shapes of requests that some checks are about, in the same way. */
const SHAPES: readonly { readonly matches: (fields: JsonObject) => boolean; readonly owners: Owners }[] = [
  {
    matches: ({ messages }) => listMessages(messages).some(({ content }) => Array.isArray(content)),
    owners: defineOwners("chat.messages.user-parts"),
  },
  {
    matches: ({ messages }) =>
      listMessages(messages).some(({ role }, at, all) => role === "user" && all[at - 1]?.["role"] === "user"),
    owners: defineOwners("chat.messages.consecutive-users"),
  },
  {
    matches: ({ messages }) => listMessages(messages).some(({ role }) => role === "tool"),
    owners: defineOwners("chat.messages.tool-turn"),
  },
  {
    matches: ({ prompt }) => Array.isArray(prompt) && prompt.every((token) => typeof token === "number"),
    owners: defineOwners("completions.prompts.token-ids"),
  },
  {
    matches: ({ input }) => listMessages(input).some(({ type }) => type === "item_reference"),
    owners: defineOwners("responses.previous.item-reference"),
  },
];

export function shapeOwners(fields: JsonObject): readonly Owners[] {
  return SHAPES.flatMap(({ matches, owners }) => (matches(fields) ? [owners] : []));
}

function listMessages(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

interface Mistake {
  readonly path: RegExp;
  readonly matches: (fields: JsonObject, body: string) => boolean;
  readonly owners: Owners;
}

const UNKNOWN_MODEL = "conformance-no-such-model";
/** No other request is as long as those that no model reads. */
const LONG_CHARACTERS = 500_000;
const CHAT_PATH = /\/chat\/completions$/;
const TEXT_PATH = /(?<!chat)\/completions$/;
const RESPONSES_PATH = /\/responses$/;

/** Mistakes that a check is about: that such a request is refused is its to judge. */
const MISTAKES: readonly Mistake[] = [
  { path: CHAT_PATH, matches: (_, body) => body === "", owners: defineOwners("errors.input.empty-body") },
  { path: CHAT_PATH, matches: (_, body) => body.startsWith("["), owners: defineOwners("errors.input.array-body") },
  { path: CHAT_PATH, matches: (_, body) => !isJson(body), owners: defineOwners("errors.input.bad-json") },
  {
    path: CHAT_PATH,
    matches: ({ model }) => model === UNKNOWN_MODEL,
    owners: defineOwners("chat.refusal.unknown-model", "chat.refusal.unknown-model-404"),
  },
  { path: CHAT_PATH, matches: ({ model }) => model === undefined, owners: defineOwners("chat.refusal.missing-model") },
  {
    path: CHAT_PATH,
    matches: ({ messages }) => Array.isArray(messages) && messages.length === 0,
    owners: defineOwners("chat.refusal.empty-messages"),
  },
  {
    path: CHAT_PATH,
    matches: ({ messages }) => typeof messages === "string",
    owners: defineOwners("chat.refusal.messages-type"),
  },
  {
    path: CHAT_PATH,
    matches: ({ temperature }) => temperature !== undefined,
    owners: defineOwners("chat.refusal.temperature-range"),
  },
  {
    path: CHAT_PATH,
    matches: ({ response_format: format }) => format !== undefined,
    owners: defineOwners("chat.format.refusal-type-unknown"),
  },
  {
    path: CHAT_PATH,
    matches: ({ tool_choice: choice }) => choice !== undefined,
    owners: defineOwners("chat.tools.refusal-unknown-choice"),
  },
  {
    path: CHAT_PATH,
    matches: ({ stream }) => stream === true,
    owners: defineOwners("chat.stream.refusal-status", "chat.stream.refused-alike"),
  },
  {
    path: CHAT_PATH,
    matches: (_, { length }) => length > LONG_CHARACTERS,
    owners: defineOwners("chat.refusal.too-long"),
  },
  {
    path: TEXT_PATH,
    matches: (_, { length }) => length > LONG_CHARACTERS,
    owners: defineOwners("completions.refusal.too-long"),
  },
  {
    path: TEXT_PATH,
    matches: ({ temperature }) => temperature !== undefined,
    owners: defineOwners("completions.refusal.temperature-range"),
  },
  {
    path: RESPONSES_PATH,
    matches: ({ model }) => model === UNKNOWN_MODEL,
    owners: defineOwners("responses.refusal.unknown-model"),
  },
  {
    path: RESPONSES_PATH,
    matches: ({ previous_response_id: id }) => id !== undefined,
    owners: defineOwners("responses.create.unknown-previous"),
  },
  {
    path: /\/audio\/speech$/,
    matches: ({ voice }) => voice !== undefined,
    owners: defineOwners("audio.speech.refuses.unknown-voice"),
  },
];

function isJson(body: string): boolean {
  try {
    JSON.parse(body);
    return true;
  } catch {
    return false;
  }
}

export function mistakeOwners(exchange: Exchange): readonly Owners[] {
  const { body, url } = exchange.request;
  const [path = ""] = url.split("?");
  const text = typeof body === "string" ? body : "";
  const fields = readFields(exchange);
  return MISTAKES.filter((row) => row.path.test(path) && row.matches(fields, text)).map(({ owners }) => owners);
}

export function readFields({ request: { body } }: Exchange): JsonObject {
  if (typeof body !== "string") return {};
  try {
    const value: unknown = JSON.parse(body);
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}
