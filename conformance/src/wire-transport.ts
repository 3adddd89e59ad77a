/**
 * Sends one request over plain `node:http` and records the answer. It has no opinion about the request: malformed
 * bodies, odd headers and missing credentials go out as they are, and a body that breaks off is seen as `cut`.
 */

import { isUtf8 } from "node:buffer";
import { once } from "node:events";
import { type ClientRequest, type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import type { Stall } from "./check-context.ts";
import type { Exchange } from "./exchange.ts";
import { ExchangeRecording } from "./exchange-recording.ts";
import type { AnswerLoan, Recorded } from "./shared-answers.ts";
import { endedEarly, sendOldRequest } from "./old-http.ts";

export interface WireSendOptions {
  readonly method: string;
  readonly url: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly disconnectAfterBytes?: number;
  readonly disconnectAfterMs?: number;
  readonly stall?: Stall;
  /** HTTP/1.0 without a Host header or a body, for so long at most. */
  readonly oldForMs?: number;
  readonly recordedBytesMax: number;
  readonly signal: AbortSignal;
  /** Called when something of the answer has come, and when it has ended. */
  readonly onProgress?: ((recording: ExchangeRecording) => void) | undefined;
  /** Called with the exchange when its request is sent. */
  readonly onExchange?: (recording: Recorded) => void;
  /** Answers that need not be asked for. Default: none. */
  readonly loan?: AnswerLoan | undefined;
}

/**
 * Resolves with whatever was recorded, also when nothing answered.
 *
 * @throws the signal's reason when it aborts first.
 */
export async function sendWireRequest(options: WireSendOptions): Promise<Exchange> {
  options.signal.throwIfAborted();
  const { method, url, headers, body, recordedBytesMax, onProgress } = options;
  const recorded =
    body === undefined || typeof body === "string" || !isUtf8(body) ? body : Buffer.from(body).toString();
  const version = options.oldForMs === undefined ? {} : ({ httpVersion: "1.0" } as const);
  const request = { method, url, headers, body: recorded ?? null, ...version };
  const known = (await options.loan?.take(request)) ?? null;
  options.signal.throwIfAborted();
  if (known !== null) {
    options.onExchange?.({ snapshot: () => known });
    return known;
  }
  const recording = new ExchangeRecording(request, recordedBytesMax, onProgress);
  options.onExchange?.(recording);
  options.loan?.note(request, recording);
  if (options.oldForMs === undefined) await exchangeOnce(options, recording);
  else {
    const inTime = AbortSignal.any([options.signal, AbortSignal.timeout(options.oldForMs)]);
    await sendOldRequest({ method, url, headers, signal: inTime }, recording);
  }
  options.signal.throwIfAborted();
  return recording.snapshot();
}

function exchangeOnce(options: WireSendOptions, recording: ExchangeRecording): Promise<void> {
  const send = options.url.startsWith("https:") ? requestHttps : requestHttp;
  return new Promise((resolve) => {
    // One connection per request: a reused socket that the server just closed would look like a server fault.
    const request = send(options.url, { method: options.method, headers: { ...options.headers }, agent: false });
    const settle = (): void => {
      clearTimeout(timer);
      options.signal.removeEventListener("abort", abort);
      request.destroy();
      resolve();
    };
    const abort = (): void => {
      recording.fail(endedEarly());
      settle();
    };
    const { disconnectAfterMs, stall } = options;
    const disconnect = (): void => {
      if (recording.hasResponse) recording.finish("open");
      recording.fail(
        disconnectAfterMs === undefined
          ? endedEarly()
          : new DOMException(`none within ${disconnectAfterMs} ms`, "TimeoutError"),
      );
      settle();
    };
    const timer = disconnectAfterMs === undefined ? undefined : setTimeout(disconnect, disconnectAfterMs).unref();
    options.signal.addEventListener("abort", abort, { once: true });
    stall?.until.addEventListener("abort", disconnect, { once: true });
    request.on("error", (error) => {
      recording.fail(error);
      settle();
    });
    request.on("response", (response) => {
      recording.respond(response.statusCode ?? 0, flattenHeaders(response));
      recordResponse(response, { recording, disconnectAfterBytes: options.disconnectAfterBytes, settle });
      if (stall === undefined) return;
      response.once("data", () => {
        response.pause();
        stall.onBegin();
      });
    });
    sendBody(request, options).catch((error: unknown) => {
      recording.fail(error);
      settle();
    });
  });
}

/** A larger body waits for an answer to its headers alone. */
const LARGE_BODY_BYTES = 1024 * 1024;
/** So long, from the moment that the headers are out. */
const EARLY_ANSWER_MS = 150;

/**
 * A server that refuses a body for its length answers at once and closes the connection; what it did not read then
 * resets the connection and takes the answer along. So the headers of a large body go out alone and are given a moment.
 */
async function sendBody(request: ClientRequest, { body, headers }: WireSendOptions): Promise<void> {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  if (bytes === undefined || bytes.byteLength < LARGE_BODY_BYTES) return void request.end(body);
  if (headers["transfer-encoding"] === undefined) request.setHeader("content-length", bytes.byteLength);
  request.flushHeaders();
  const answered = new AbortController();
  for (const event of ["response", "close"]) request.once(event, () => answered.abort());
  await once(request, "socket");
  if (request.socket?.connecting === true) await once(request.socket, "connect");
  await sleep(EARLY_ANSWER_MS, undefined, { signal: answered.signal }).catch(ignoreAbort);
  if (!answered.signal.aborted) request.end(bytes);
}

function ignoreAbort(error: unknown): void {
  if (!(error instanceof Error && error.name === "AbortError")) throw error;
}

interface ResponseSink {
  readonly recording: ExchangeRecording;
  readonly disconnectAfterBytes: number | undefined;
  readonly settle: () => void;
}

function recordResponse(response: IncomingMessage, { recording, disconnectAfterBytes, settle }: ResponseSink): void {
  response.on("data", (bytes: Uint8Array) => {
    recording.append(bytes);
    if (disconnectAfterBytes === undefined || recording.bytes < disconnectAfterBytes) return;
    recording.finish("aborted");
    settle();
  });
  response.on("end", () => {
    recording.finish(response.complete ? "clean" : "cut");
    settle();
  });
  response.on("error", () => {
    recording.finish("cut");
    settle();
  });
}

function flattenHeaders(response: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(response.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(", ") : value;
  }
  return headers;
}
