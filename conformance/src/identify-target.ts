/**
 * The preflight: is there something at the base URL that talks like an OpenAI API, lets us in, and has a model that
 * chats? A handful of requests, each with its own time limit, so that a target which hangs or is something else costs
 * seconds and not the whole run.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { CheckContext, WireRequest } from "./check-context.ts";
import { type ChatModelChoice, chooseChatModel, sendPlainChat } from "./choose-chat-model.ts";
import { createCheckContext } from "./create-check-context.ts";
import type { Exchange } from "./exchange.ts";
import { isLost, isUnreachable } from "./exchange-recording.ts";
import { isJsonObject, type JsonObject } from "./expect.ts";
import type { RunLimits } from "./limits.ts";
import { bodyObject, describeExchange } from "./response-body.ts";
import type { Target } from "./target.ts";

export type Identification =
  | {
      readonly identified: true;
      readonly chat: ChatModelChoice;
      /** Whether anybody is let in: neither no key nor one that nobody issued is refused. */
      readonly isOpen: boolean;
    }
  | {
      readonly identified: false;
      /** What is wrong and what to do, in a line. */
      readonly reason: string;
      /** What was answered, an exchange each. */
      readonly details: readonly string[];
    };

/** What of the preflight the planned checks need. */
export interface IdentifyOptions {
  readonly target: Target;
  readonly limits: Pick<RunLimits, "preflightTimeoutMs">;
  readonly signal: AbortSignal;
  /** Whether a planned check takes a chat model. */
  readonly needsChatModel: boolean;
  /** Whether a planned check is about credentials. */
  readonly needsGuard: boolean;
}

/** A body for the preflight: 1 MiB of a list of models is more than any server has. */
const PREFLIGHT_BYTES_MAX = 1024 * 1024;

/** Statuses that say who we are is the trouble: without being let in, nothing can be judged. */
const REFUSED: readonly number[] = [401, 403];

/** One lost connection, or one 502 of a gateway, is no dead server. */
const TRIES = 3;
const BETWEEN_TRIES_MS = 200;

const STRANGER_KEY = "sk-conformance-stranger-4f1d7a90c2e85b36";

/** Never rejects because of the target; a stopped run identified nothing. */
export async function identifyTarget(options: IdentifyOptions): Promise<Identification> {
  try {
    return await probe(options);
  } catch (error) {
    if (options.signal.aborted) return unidentified("The run was stopped before the target was identified.");
    throw error;
  }
}

function unidentified(reason: string, details: readonly string[] = []): Identification {
  return { identified: false, reason, details };
}

type Send = (request: WireRequest) => Promise<Exchange>;

async function probe(options: IdentifyOptions): Promise<Identification> {
  const { target, signal, needsChatModel } = options;
  const send = createSend(options, target);
  const models = await send({ method: "GET", path: "/models" });
  const dead = describeDead(target, models);
  if (dead !== null) return unidentified(dead);
  const list = bodyObject(models);
  const details = [`GET /models: ${describeExchange(models)}`];
  const isRefused = REFUSED.includes(models.response?.status ?? 0);
  const isList = Array.isArray(list["data"]) || list["object"] === "list";
  // An API that knows no such path says so in its own envelope: that alone does not make this its base URL.
  if (!isList && !isRefused && (await isServedBelowV1(options))) {
    return unidentified(`${target.baseUrl} is not an OpenAI API. ${target.baseUrl}/v1 is one: use it.`, details);
  }
  signal.throwIfAborted();
  const modelIds = readModelIds(list);
  if (!looksLikeOpenAi(list) || isRefused) {
    const stop = await examineChat(send, { target, models, details });
    if (stop !== null) return stop;
  }
  const choice = needsChatModel ? await chooseChatModel(send, { given: target.models.chat, listed: modelIds }) : null;
  if (choice !== null && "reason" in choice) return unidentified(choice.reason, choice.details);
  const chat = choice ?? { model: target.models.chat ?? modelIds[0] ?? null, tokenLimit: "max_tokens", notes: [] };
  const isOpen = options.needsGuard && (await isOpenToAnyone(send, chat));
  return { identified: true, chat, isOpen };
}

/** Each request has the preflight's bounds, and is sent again where a connection is lost or a gateway has a moment. */
function createSend({ limits, signal }: IdentifyOptions, target: Target): Send {
  const { context } = createCheckContext({ target, signal, recordedBytesMax: PREFLIGHT_BYTES_MAX });
  const bounds = { disconnectAfterMs: limits.preflightTimeoutMs, disconnectAfterBytes: PREFLIGHT_BYTES_MAX };
  return (request) => sendPatiently(context, { ...request, ...bounds });
}

async function sendPatiently(context: CheckContext, request: WireRequest): Promise<Exchange> {
  for (let tried = 1; ; tried += 1) {
    const startedAt = performance.now();
    const exchange = await context.wire(request);
    const isSlow = performance.now() - startedAt >= (request.disconnectAfterMs ?? Infinity);
    if (tried === TRIES || isSlow || !isPassing(exchange)) return exchange;
    await sleep(BETWEEN_TRIES_MS, undefined, { signal: context.signal });
  }
}

/** What may be over in a moment: a server that refuses the connection is not there, and one that refuses us stays so. */
function isPassing(exchange: Exchange): boolean {
  if (exchange.response === null) return !isUnreachable(exchange);
  return exchange.response.status >= 500 || exchange.response.end === "cut";
}

/**
 * A server whose list of models is broken or absent is still worth judging when it answers a chat request as the API
 * does: with choices, or with `{"error": …}`. @returns what ends the run; null when it is worth judging
 */
async function examineChat(
  send: Send,
  found: { target: Target; models: Exchange; details: readonly string[] },
): Promise<Identification | null> {
  const { target, models, details } = found;
  const { chat: model } = target.models;
  const chat =
    model === undefined
      ? await send({ method: "POST", path: "/chat/completions", body: "{}" })
      : await sendPlainChat(send, { model });
  const isRefused = REFUSED.includes(models.response?.status ?? 0);
  if (isRefused && REFUSED.includes(chat.response?.status ?? 0)) return unidentified(describeRefusal(target), details);
  if (looksLikeOpenAi(bodyObject(chat))) return null;
  const more = [...details, `POST /chat/completions: ${describeExchange(chat)}`];
  if (models.response?.end === "cut" || chat.response?.end === "cut") {
    const reason = `${target.baseUrl} cuts its answers off: the connection broke inside the body, ${TRIES} times in a row.`;
    return unidentified(`${reason} Does a proxy in front of it end early?`, more);
  }
  const broken = describeBroken(target, [models, chat]);
  if (broken !== null) return unidentified(broken, more);
  const isAbsent = model === undefined && models.response?.status === 404;
  const model404 = isAbsent ? " It has no GET /models: name its chat model with --model." : "";
  const v1 = target.baseUrl.endsWith("/v1") ? "" : " Does its URL end in /v1?";
  return unidentified(`${target.baseUrl} is not an OpenAI API.${model404}${v1}`, more);
}

/** What a proxy says of the server behind it. */
const GATEWAY_STATUSES: readonly number[] = [502, 503, 504];

/** A server that fails at everything, without an envelope; null when some answer is something else. */
function describeBroken({ baseUrl }: Target, exchanges: readonly Exchange[]): string | null {
  const statuses = [...new Set(exchanges.map(({ response }) => response?.status ?? 0))];
  if (statuses.some((status) => status < 500)) return null;
  const said = `${baseUrl} answers ${statuses.join(" and ")} to GET /models and to POST /chat/completions`;
  return statuses.every((status) => GATEWAY_STATUSES.includes(status))
    ? `${said}: a proxy is there, and the server behind it is down or starting.`
    : `${said}, without an error in OpenAI's format: it is broken, or not an OpenAI API. Its log says why.`;
}

/** The mistake that most people make: the base URL of the SDKs ends in `/v1`. */
async function isServedBelowV1(options: IdentifyOptions): Promise<boolean> {
  const { target } = options;
  if (target.baseUrl.endsWith("/v1")) return false;
  const send = createSend(options, { ...target, baseUrl: `${target.baseUrl}/v1` });
  const models = await send({ method: "GET", path: "/models" });
  const { status = 0 } = models.response ?? {};
  return (status === 200 || REFUSED.includes(status)) && looksLikeOpenAi(bodyObject(models));
}

/** Asked twice, as two different strangers; a server may show its models to all and still guard its chat. */
async function isOpenToAnyone(send: Send, { model, tokenLimit }: ChatModelChoice): Promise<boolean> {
  for (const credential of [{ literal: STRANGER_KEY }, null]) {
    const exchange =
      model === null
        ? await send({ method: "GET", path: "/models", credential })
        : await sendPlainChat(send, { model, tokenLimit, credential });
    if (exchange.response?.status !== 200) return false;
  }
  return true;
}

function describeRefusal(target: Target): string {
  const advice =
    target.keys.full === undefined
      ? "No key was given: pass --api-key or set OPENAI_API_KEY."
      : "Is the key right? It has to be one that may do everything.";
  return `${target.baseUrl} turns us away. ${advice}`;
}

/** Why nothing can be learnt from what `GET /models` came to; null when it came to an answer. */
function describeDead({ baseUrl }: Target, exchange: Exchange): string | null {
  const { response } = exchange;
  if (response === null) {
    const advice = isUnreachable(exchange)
      ? "Is the server running, and is this its port?"
      : isLost(exchange)
        ? "Something takes connections there and closes them: is the server behind a proxy down?"
        : "Is it busy, or still loading? --preflight-timeout-ms waits longer.";
    return `Nothing at ${baseUrl} answered GET /models: ${describeExchange(exchange)}. ${advice}`;
  }
  if (response.end !== "open" && !response.truncated && response.end !== "aborted") return null;
  const bytes = response.chunks.reduce((total, chunk) => total + chunk.bytes.byteLength, 0);
  return `${baseUrl} is not an OpenAI API: the answer to GET /models had no end within ${Math.round(response.endAtMs)} ms and ${bytes} bytes.`;
}

function looksLikeOpenAi(body: JsonObject): boolean {
  return Array.isArray(body["data"]) || body["object"] === "list" || "error" in body || Array.isArray(body["choices"]);
}

function readModelIds(list: JsonObject): string[] {
  const { data } = list;
  if (!Array.isArray(data)) return [];
  return data.flatMap((model: unknown) => (isJsonObject(model) && typeof model["id"] === "string" ? model["id"] : []));
}
