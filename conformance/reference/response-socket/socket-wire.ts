/**
 * The table of a WebSocket for responses that conforms: who may open one, and what is answered to a message. It knows
 * no socket, and nothing of it is shared with the table of `POST /responses`: a fault there is none here.
 */

import { createHash } from "node:crypto";
import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import { createLedger } from "../accounts.ts";
import { REFERENCE_MODELS } from "../models.ts";
import { createResponse } from "../operations/create-response.ts";
import { isRefusal } from "../operations/operation.ts";
import { encodeResponseEvents } from "../operations/response-events.ts";
import { makeRefusal, type Refusal } from "../refusal.ts";
import type { CredentialVerdict } from "../tokens.ts";

/** What a connection has answered last; its next response can go on from it, stored or not. */
interface LastResponse {
  readonly id: unknown;
  readonly items: readonly JsonObject[];
}

export interface SocketConnection {
  readonly account: string;
  /** How many messages have been answered. */
  readonly answers: number;
  readonly last: LastResponse | null;
}

export interface SocketStep {
  readonly messages: readonly JsonObject[];
  readonly last: LastResponse | null;
  readonly closes: boolean;
}

export interface ResponseSocketWire {
  readonly admit: (verdict: CredentialVerdict) => Refusal | null;
  /** `Sec-WebSocket-Accept`, from the key of the request. */
  readonly accept: (key: string) => string;
  /** Whether the account can pay for a response. */
  readonly covers: (account: string) => boolean;
  readonly answer: (text: string, connection: SocketConnection) => SocketStep;
}

/** RFC 6455 section 1.3. */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

export function defineResponseSocketWire(): ResponseSocketWire {
  return {
    admit(verdict) {
      if (verdict === "full") return null;
      return makeRefusal(verdict === "no-capability" ? "capability_missing" : "unauthenticated");
    },
    accept: (key) =>
      createHash("sha1")
        .update(key + GUID)
        .digest("base64"),
    covers: (account) => createLedger().covers(account, 1),
    answer: (text, connection) => markLane(parseMessage(text)?.["stream_id"], answerMessage(text, connection)),
  };
}

/** Far from the numbers of `POST /responses`: ids are made of them. */
let number = 1_000_000_000;

function answerMessage(text: string, connection: SocketConnection): SocketStep {
  const message = parseMessage(text);
  if (message === null) return refuse(makeRefusal("bad_json"));
  const { type, ...request } = message;
  if (type !== "response.create") return refuse(makeRefusal("invalid_value", { param: "type" }));
  const refusal = createResponse.validate(request);
  if (refusal !== null) return refuse(refusal);
  if (!REFERENCE_MODELS.some(({ id }) => id === request["model"])) {
    return refuse({ ...makeRefusal("model_not_found", { param: "model" }), status: 400 });
  }
  const { account, last } = connection;
  const { previous_response_id: previous } = request;
  const goesOn = last !== null && previous === last.id;
  const input = [...(goesOn ? last.items : []), ...listItems(request)];
  number += 1;
  const own = goesOn ? { ...request, input, previous_response_id: null } : request;
  const context = { number, created: Math.floor(Date.now() / 1000), account, models: REFERENCE_MODELS };
  const found = createResponse.answer({ ...own, stream: true }, context);
  if (isRefusal(found)) return refuse(found);
  const isPrepared = request["generate"] === false;
  const output = isPrepared ? [] : found.output;
  const nothing = isPrepared ? { status: "completed", incomplete_details: null, output, usage: NO_USAGE } : {};
  const response = { ...found.response, ...nothing, previous_response_id: previous ?? null };
  const items = [...input, ...output.map(({ item }) => item)];
  return {
    messages: encodeResponseEvents({ ...found, output, response }),
    last: { id: found.response["id"], items },
    closes: false,
  };
}

const NO_USAGE = {
  input_tokens: 0,
  input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
  output_tokens: 0,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 0,
};

function markLane(lane: unknown, step: SocketStep): SocketStep {
  if (typeof lane !== "string") return step;
  return { ...step, messages: step.messages.map((message) => ({ ...message, stream_id: lane })) };
}

export function parseMessage(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : null;
  } catch {
    return null;
  }
}

function listItems({ input }: JsonObject): readonly JsonObject[] {
  return typeof input === "string" ? [{ role: "user", content: input }] : [input].flat().filter(isJsonObject);
}

export function refuse({ status, type, code, message, param }: Refusal): SocketStep {
  const error = { type, code, message, param };
  return { messages: [{ type: "error", status, error }], last: null, closes: false };
}
