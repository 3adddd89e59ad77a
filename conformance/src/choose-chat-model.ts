/**
 * Finds a model that chats, and how it takes its token limit. It asks for one token of each candidate, and judges
 * nothing: a server whose chat is broken is the checks' business.
 */

import type { Credential, WireRequest } from "./check-context.ts";
import type { Exchange } from "./exchange.ts";
import { isJsonObject } from "./json-object.ts";
import { bodyObject, bodyText, describeExchange } from "./response-body.ts";
import type { TokenLimit } from "./target.ts";

/** What the run goes on with. */
export interface ChatModelChoice {
  /** Null when none was given and none is listed. */
  readonly model: string | null;
  readonly tokenLimit: TokenLimit;
  /** What was decided for the caller. */
  readonly notes: readonly string[];
}

/** Why no model can be chosen, and what to do; what was answered. */
export interface NoChatModel {
  readonly reason: string;
  readonly details: readonly string[];
}

type Send = (request: WireRequest) => Promise<Exchange>;

interface PlainChat {
  readonly model: string;
  readonly tokenLimit?: TokenLimit;
  readonly credential?: Credential;
}

/** Of a list more are not tried: a server with hundreds of models names its chat model. */
const CANDIDATES_MAX = 8;
const IDS_SHOWN_MAX = 8;

/** One short message and one token. */
export async function sendPlainChat(send: Send, chat: PlainChat): Promise<Exchange> {
  const { model, tokenLimit = "max_tokens", credential } = chat;
  const body = JSON.stringify({ model, messages: [{ role: "user", content: "Hello." }], [tokenLimit]: 1 });
  const request = { method: "POST", path: "/chat/completions", body };
  return send(credential === undefined ? request : { ...request, credential });
}

/** @param models the one that the caller named, and what `GET /models` lists */
export async function chooseChatModel(
  send: Send,
  { given, listed }: { readonly given: string | undefined; readonly listed: readonly string[] },
): Promise<ChatModelChoice | NoChatModel> {
  if (given !== undefined) {
    const tried = await tryModel(send, given);
    if (tried.chats) return { model: given, tokenLimit: tried.tokenLimit, notes: noteLimit(tried.tokenLimit) };
    if (isUnknown(tried.exchange, given)) return describeUnknown(given, listed, tried.exchange);
    if (!isRefusal(tried.exchange)) return { model: given, tokenLimit: "max_tokens", notes: [] };
    const other = await findChatModel(
      send,
      listed.filter((id) => id !== given),
    );
    // Where no model chats the server is to blame, and its checks say so.
    if (other === null) return { model: given, tokenLimit: "max_tokens", notes: [] };
    return {
      reason: `The model "${given}" does not chat: ${describeExchange(tried.exchange)}. "${other.model}" does: use --model.`,
      details: [],
    };
  }
  const [first] = listed;
  if (first === undefined) return { model: null, tokenLimit: "max_tokens", notes: [] };
  const found = await findChatModel(send, listed);
  const { model, tokenLimit } = found ?? { model: first, tokenLimit: "max_tokens" as const };
  const which = model === first ? "the first of GET /models" : "the first of GET /models that answers a chat";
  const notes = [`No chat model was given: "${model}", ${which}, is used.`, ...noteLimit(tokenLimit)];
  return { model, tokenLimit, notes };
}

type Tried =
  | { readonly chats: true; readonly model: string; readonly tokenLimit: TokenLimit }
  | { readonly chats: false; readonly exchange: Exchange };

async function findChatModel(send: Send, ids: readonly string[]): Promise<(Tried & { chats: true }) | null> {
  for (const id of ids.slice(0, CANDIDATES_MAX)) {
    const tried = await tryModel(send, id);
    if (tried.chats) return tried;
    // Who says nothing may be loading it: others would wait as long.
    if (tried.exchange.response === null) return null;
  }
  return null;
}

async function tryModel(send: Send, model: string): Promise<Tried> {
  const exchange = await sendPlainChat(send, { model });
  if (isChat(exchange)) return { chats: true, model, tokenLimit: "max_tokens" };
  if (!refusesMaxTokens(exchange)) return { chats: false, exchange };
  const newer = await sendPlainChat(send, { model, tokenLimit: "max_completion_tokens" });
  // Not every model of this kind gets a word out within one token.
  return isChat(newer) || !refusesMaxTokens(newer)
    ? { chats: true, model, tokenLimit: "max_completion_tokens" }
    : { chats: false, exchange };
}

function isChat(exchange: Exchange): boolean {
  return exchange.response?.status === 200 && Array.isArray(bodyObject(exchange)["choices"]);
}

function isRefusal({ response }: Exchange): boolean {
  return response !== null && response.status >= 400 && response.status < 500 && response.status !== 429;
}

function refusesMaxTokens(exchange: Exchange): boolean {
  if (!isRefusal(exchange)) return false;
  const { error } = bodyObject(exchange);
  const { param } = isJsonObject(error) ? error : {};
  return param === "max_tokens" || /\bmax_completion_tokens\b/.test(bodyText(exchange));
}

/** A refusal that names the model, or says with its code that there is none. */
function isUnknown(exchange: Exchange, model: string): boolean {
  if (!isRefusal(exchange)) return false;
  const text = bodyText(exchange);
  if (text.includes("model_not_found")) return true;
  const { error } = bodyObject(exchange);
  const { param } = isJsonObject(error) ? error : {};
  const saysAbsent = /not found|no such|unknown|does ?n[o']t exist|invalid model|not exist|not available/i.test(text);
  return saysAbsent && (param === "model" || text.includes(model));
}

function describeUnknown(model: string, listed: readonly string[], exchange: Exchange): NoChatModel {
  const shown = listed.slice(0, IDS_SHOWN_MAX).map((id) => `"${id}"`);
  const more = listed.length > shown.length ? `, and ${listed.length - shown.length} more` : "";
  const lists =
    shown.length === 0 ? "GET /models lists none" : `It lists ${shown.join(", ")}${more}: choose with --model`;
  return {
    reason: `The server knows no model "${model}". ${lists}.`,
    details: [`POST /chat/completions: ${describeExchange(exchange)}`],
  };
}

function noteLimit(tokenLimit: TokenLimit): string[] {
  if (tokenLimit === "max_tokens") return [];
  return ["The model refuses max_tokens: max_completion_tokens is sent in its place."];
}
