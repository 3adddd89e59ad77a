/**
 * A message of a client of tRPC, to what it asks for: one request or a list of them. Each is judged by itself, so that one
 * that is malformed is answered and those beside it are served.
 *
 * @see https://trpc.io/docs/server/websockets#websockets-rpc-specification
 */

import { AiError, createWorkSlices, isRecord } from "@openai-compat/core";
import type { JsonRecord } from "@openai-compat/core";
import type { JsonBounds } from "../../../http/json-values.ts";
import { parseJsonInSlices } from "../../../http/parse-json.ts";
import type { ReceivedMessage } from "../../../http/websocket.ts";

/** What the client calls its request; answers carry it. Null where it has no usable one. */
export type RequestId = number | string | null;

export interface CallRequest {
  readonly type: "call";
  readonly id: number | string;
  readonly kind: "query" | "mutation" | "subscription";
  readonly path: string;
  readonly input: unknown;
  /** Of the last event that the client has, where it goes on with a subscription. */
  readonly lastEventId: string | null;
}

export type SocketRequest =
  | CallRequest
  | { readonly type: "stop"; readonly id: number | string }
  | { readonly type: "refused"; readonly id: RequestId; readonly error: AiError };

export interface DecodeMessageOptions {
  readonly bounds: JsonBounds;
  readonly signal: AbortSignal;
}

/** Requests in one message. More are refused all together: an answer to each would cost more than the message. */
export const MESSAGE_REQUESTS_MAX = 1000;
/** Of the id that a client gives to a request. */
const ID_LENGTH_MAX = 128;
const EVENT_ID_LENGTH_MAX = 256;
const KINDS: readonly CallRequest["kind"][] = ["query", "mutation", "subscription"];

/** @throws AiError `invalid_request` for what is no JSON at all; the signal's reason */
export async function parseMessage(message: ReceivedMessage, options: DecodeMessageOptions): Promise<unknown> {
  if (message.isBinary) throw malformed("Messages are text with JSON; this one is binary.");
  const parsed = await parseJsonInSlices(message.bytes, options.bounds, createWorkSlices(options));
  switch (parsed.type) {
    case "value":
      return parsed.value;
    case "invalid":
      throw malformed(`The message is not valid JSON near byte ${parsed.byte}.`);
    case "excess": {
      const { excess } = parsed;
      throw malformed(excess === "depth" ? "The message is nested too deep." : `The message has too many ${excess}.`);
    }
  }
}

/** @throws AiError `invalid_request` for too many at once */
export function decodeRequests(value: unknown): readonly SocketRequest[] {
  if (!Array.isArray(value)) return [decodeRequest(value)];
  const requests: readonly unknown[] = value;
  if (requests.length === 0) throw malformed("The message is an empty list of requests.");
  if (requests.length > MESSAGE_REQUESTS_MAX) {
    throw malformed(`The message has more than ${MESSAGE_REQUESTS_MAX} requests.`);
  }
  return requests.map((request) => decodeRequest(request));
}

/** @returns the token of the first message, where the client sends its credential so; null where it has none. */
export function decodeConnectionParams(value: unknown): string | null {
  if (!isRecord(value) || value["method"] !== "connectionParams") {
    throw malformed("The first message has to be the connection parameters: the URL says `connectionParams=1`.");
  }
  const { data } = value;
  if (data === null || data === undefined) return null;
  const token = isRecord(data) ? (data["token"] ?? null) : undefined;
  if (token === null || typeof token === "string") return token;
  throw malformed('The connection parameters have to be an object with a text as "token".');
}

function decodeRequest(value: unknown): SocketRequest {
  if (!isRecord(value)) return { type: "refused", id: null, error: malformed("A request has to be a JSON object.") };
  const id = readId(value);
  try {
    if (id === null) throw malformed("The 'id' of a request has to be a number, or a text that is not too long.");
    const { method } = value;
    if (method === "subscription.stop") return { type: "stop", id };
    const kind = KINDS.find((known) => known === method);
    if (kind === undefined) {
      throw malformed("The 'method' of a request has to be query, mutation, subscription or subscription.stop.");
    }
    return { type: "call", id, kind, ...decodeParams(value["params"]) };
  } catch (thrown) {
    if (thrown instanceof AiError) return { type: "refused", id, error: thrown };
    throw thrown;
  }
}

function readId({ id }: JsonRecord): RequestId {
  if (typeof id === "number" && Number.isFinite(id)) return id;
  return typeof id === "string" && id.length <= ID_LENGTH_MAX ? id : null;
}

/** @throws AiError */
function decodeParams(params: unknown): Pick<CallRequest, "path" | "input" | "lastEventId"> {
  if (!isRecord(params)) throw malformed("The 'params' of a request have to be a JSON object.");
  const { path, input, lastEventId = null } = params;
  if (typeof path !== "string") throw malformed("The 'params.path' of a request has to be the name of a procedure.");
  if (lastEventId === null) return { path, input, lastEventId };
  if (typeof lastEventId === "string" && lastEventId.length <= EVENT_ID_LENGTH_MAX) return { path, input, lastEventId };
  throw malformed(`The 'params.lastEventId' has to be a text of at most ${EVENT_ID_LENGTH_MAX} characters.`);
}

function malformed(message: string): AiError {
  return new AiError("invalid_request", message);
}
