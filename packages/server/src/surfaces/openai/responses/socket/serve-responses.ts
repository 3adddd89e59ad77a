/**
 * Responses on a WebSocket: each message of the client asks for one, and its events are messages. One runs at a time;
 * the next message is read when it has ended.
 */

import { AiError, toAiError } from "@openai-compat/core";
import type { AiService, AuthorisedCall, ResponseStore } from "@openai-compat/core";
import type { BodyShare } from "../../../../http/body-budget.ts";
import { ERROR_STATUSES } from "../../../../http/error-status.ts";
import type { JsonBounds } from "../../../../http/json-values.ts";
import type { RefusalLimit } from "../../../../http/refusal-limit.ts";
import type { ReceivedMessage, WebSocketConnection } from "../../../../http/websocket.ts";
import { encodeErrorEnvelope } from "../../protocol/encode-error.ts";
import { CLOSE_CODES } from "../../realtime/close-codes.ts";
import { parseEvent } from "../../realtime/decode-event.ts";
import { RealtimeRefusal } from "../../realtime/realtime-refusal.ts";
import type { RealtimeSettings } from "../../realtime/settings.ts";
import { listResponseEvents } from "../encode-stream.ts";
import type { RunAnswer } from "../encode-stream.ts";
import { responseRouteCalls } from "../route.ts";
import type { DecodeCall, DecodedCall } from "../route.ts";
import { createConnectionMemory } from "./connection-memory.ts";
import type { ConnectionMemory } from "./connection-memory.ts";
import { NO_LANE, readLane } from "./lane.ts";
import type { Lane } from "./lane.ts";
import { refuseSteer } from "./refuse-steer.ts";
import { warmUp } from "./warm-up.ts";

export interface ServeOptions {
  readonly connection: WebSocketConnection;
  readonly accountId: string;
  /** Authenticates again, for the next response. @throws AiError */
  readonly renew: () => Promise<AuthorisedCall>;
  readonly service: Pick<AiService, "admitBody" | "route">;
  readonly decodeCall: DecodeCall;
  readonly responses: ResponseStore;
  /** What the last responses of a connection may take, in bytes. */
  readonly memoryBytesMax: number;
  /** For the memory of one response: room that all bodies of the account share. */
  readonly openShare: () => BodyShare;
  readonly settings: Pick<RealtimeSettings, "idleMsMax" | "sessionMsMax">;
  readonly bounds: JsonBounds;
  readonly refusalLimit: RefusalLimit;
  readonly traceParent: string | null;
  /** Called with what ends a response, or refuses it. */
  readonly onError: (error: AiError) => void;
}

export interface ServedResponses {
  /** Ends the connection when nothing runs on it, and else when that has ended. */
  readonly end: () => void;
  /** Resolves when the connection is closed and what ran on it has ended. It never rejects. */
  readonly ended: Promise<void>;
}

export function serveResponses(options: ServeOptions): ServedResponses {
  const { connection, responses, accountId, memoryBytesMax: bytesMax, openShare, settings } = options;
  const memory = createConnectionMemory({ responses, accountId, bytesMax, openShare });
  const close = (reason: string) => connection.close(CLOSE_CODES.goingAway, reason);
  let isRunning = false;
  let endsWith: string | null = null;
  const end = (reason: string) => {
    endsWith ??= reason;
    if (!isRunning) close(reason);
  };
  const idle = createTimer(() => end("nothing was sent for too long"), settings.idleMsMax);
  const age = setTimeout(() => end("the connection has reached its maximum duration"), settings.sessionMsMax);
  age.unref();
  const serve = async (): Promise<void> => {
    for await (const message of connection.messages) {
      idle.stop();
      isRunning = true;
      await answer(message, memory, options);
      isRunning = false;
      if (endsWith !== null) close(endsWith);
      idle.start();
    }
  };
  idle.start();
  const ended = serve()
    .catch((thrown: unknown) => {
      if (connection.signal.aborted) return;
      options.onError(toAiError(thrown));
      connection.close(CLOSE_CODES.internal, "the server had an error");
    })
    .then(() => connection.closed)
    .then(() => {
      memory.clear();
      idle.stop();
      clearTimeout(age);
    });
  return { end: () => end("the server is shutting down"), ended };
}

function createTimer(onEnd: () => void, timeMs: number) {
  let timer: NodeJS.Timeout | undefined;
  const stop = () => clearTimeout(timer);
  return {
    stop,
    start() {
      stop();
      timer = setTimeout(onEnd, timeMs);
      timer.unref();
    },
  };
}

/** @throws what is no refusal and no failure of a call */
async function answer(message: ReceivedMessage, memory: ConnectionMemory, options: ServeOptions): Promise<void> {
  const { connection, accountId, refusalLimit, onError } = options;
  let lane: Lane = NO_LANE;
  try {
    refusalLimit.check(accountId);
    const call = await options.renew();
    await options.service.admitBody(call, responseRouteCalls.operation);
    const event = await parseEvent(message, { bounds: options.bounds, signal: connection.signal });
    lane = readLane(event);
    if (event["type"] === "response.steer") return connection.send(JSON.stringify(refuseSteer(event)));
    await run(await decode(readRequest(event), { ...options, call, memory, lane }), memory, { ...options, lane });
  } catch (thrown) {
    memory.forget(lane.stream_id);
    if (connection.signal.aborted) return;
    const error = toRefusal(thrown);
    onError(error);
    refusalLimit.count(accountId, error, message.bytes.length);
    const status = ERROR_STATUSES[error.code];
    connection.send(JSON.stringify({ type: "error", status, ...encodeErrorEnvelope(error), ...lane }));
  }
}

function toRefusal(thrown: unknown): AiError {
  return thrown instanceof RealtimeRefusal ? new AiError("invalid_request", thrown.message) : toAiError(thrown);
}

/** Fields of a message that are no parameters of a response. */
const ENVELOPE: ReadonlySet<string> = new Set(["type", "event_id", "stream_id", "generate"]);

interface SocketRequest {
  readonly body: Readonly<Record<string, unknown>>;
  /** Whether it is to be answered, not only prepared. */
  readonly generates: boolean;
}

/** @throws AiError with status 400, `param` naming what is wrong */
function readRequest(event: Readonly<Record<string, unknown>>): SocketRequest {
  const { type, background, generate } = event;
  if (type !== "response.create") {
    const shown = typeof type === "string" ? `'${type.slice(0, 100)}'` : "none";
    const reason = `Invalid 'type': expected 'response.create', but got ${shown}.`;
    throw new AiError("invalid_value", reason, { param: "type" });
  }
  if (background === true) {
    const reason =
      "Unsupported parameter: 'background' is not supported on a WebSocket. Send the request to POST /responses.";
    throw new AiError("unsupported_parameter", reason, { param: "background" });
  }
  if (!["boolean", "undefined"].includes(typeof generate) && generate !== null) {
    throw new AiError("invalid_type", "Invalid type for 'generate': expected a boolean.", { param: "generate" });
  }
  const fields = Object.entries(event).filter(([name]) => !ENVELOPE.has(name));
  return { body: { ...Object.fromEntries(fields), stream: true }, generates: generate !== false };
}

interface Decoding extends ServeOptions {
  readonly call: AuthorisedCall;
  readonly memory: ConnectionMemory;
  readonly lane: Lane;
}

interface StartableResponse extends DecodedCall {
  readonly run: RunAnswer;
}

/** @throws AiError what refuses the call */
async function decode({ body, generates }: SocketRequest, decoding: Decoding): Promise<StartableResponse> {
  const { call, memory, service, decodeCall, traceParent, lane } = decoding;
  const { model } = body;
  const routed = service.route(call, responseRouteCalls, typeof model === "string" ? model : "");
  const decoded = await decodeCall(body, routed, {
    call,
    context: { traceParent },
    state: {
      responses: memory.reader,
      onComplete: (last, state) => memory.remember(lane.stream_id, last, state),
    },
  });
  return { ...decoded, run: generates ? await decoded.start() : await warmUp(decoded, call, service) };
}

/** A failure of a response that has begun is its last event. */
async function run(
  { run: started, builder, keep }: StartableResponse,
  memory: ConnectionMemory,
  { connection, onError, lane }: Pick<Decoding, "connection" | "onError" | "lane">,
): Promise<void> {
  const { stream_id: id } = lane;
  const encode = (event: object) => JSON.stringify({ ...event, ...lane });
  try {
    for await (const event of listResponseEvents(started, { builder, keep })) {
      // An upstream's own failure is an event like others.
      if (event.type === "response.failed") memory.forget(id);
      await connection.sendInTurn(encode(event));
      if (connection.signal.aborted) return;
    }
  } catch (thrown) {
    memory.forget(id);
    if (connection.signal.aborted) return;
    const error = toAiError(thrown);
    onError(error);
    for (const event of builder.fail(error)) connection.send(encode(event));
  }
}
