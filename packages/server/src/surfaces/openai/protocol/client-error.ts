/**
 * Answers what the HTTP parser refused, and `CONNECT`. Where a request is to blame that the app is at, the app ends it
 * with the refusal; where there is none, the envelope goes as raw bytes on the socket. Either way the connection is
 * closed, because nothing that follows on it can be understood.
 */

import type { Duplex } from "node:stream";
import { AiError } from "@openai-compat/core";
import type { ActiveRequest } from "../../../http/active-requests.ts";
import { closeSoon } from "../../../http/close-soon.ts";
import { encodeErrorEnvelope } from "./encode-error.ts";
import { createRequestId } from "../../../http/headers.ts";

/** The parser refuses each piece that still arrives; the first refusal is the answer. */
const refused = new WeakSet<Duplex>();

/**
 * @param request the last one on the socket that is not answered yet: the parser stumbled over its body, or behind it.
 */
export function answerClientError(error: Error, socket: Duplex, request: ActiveRequest | null): void {
  const code = "code" in error ? String(error.code) : undefined;
  if (code === "ECONNRESET" || socket.destroyed) {
    socket.destroy();
    return;
  }
  if (refused.has(socket)) return;
  refused.add(socket);
  const [statusLine, refusal] = mapParserError(code, request !== null);
  if (request === null) closeWith(socket, statusLine, refusal);
  else endRequest(request, socket, refusal);
}

/** Answers to requests before it on the connection are sent first: the HTTP server keeps their order. */
function endRequest({ controller, outgoing }: ActiveRequest, socket: Duplex, refusal: AiError): void {
  outgoing.shouldKeepAlive = false;
  outgoing.once("close", () => closeSoon(socket));
  controller.abort(refusal);
}

/** This server is no proxy. */
export function answerConnect(socket: Duplex): void {
  // The HTTP server has let go of the socket, and an error that nobody listens for would end the process.
  socket.on("error", () => {});
  const refusal = new AiError("method_not_allowed", "Not allowed to CONNECT: this server is no proxy.");
  closeWith(socket, "405 Method Not Allowed", refusal);
}

function closeWith(socket: Duplex, statusLine: string, refusal: AiError): void {
  const body = JSON.stringify(encodeErrorEnvelope(refusal));
  const head = [
    `HTTP/1.1 ${statusLine}`,
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${createRequestId()}`,
    "connection: close",
  ];
  if (socket.writable) socket.write(`${head.join("\r\n")}\r\n\r\n${body}`);
  closeSoon(socket);
}

function mapParserError(code: string | undefined, hasRequest: boolean): [statusLine: string, error: AiError] {
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") {
    return ["408 Request Timeout", new AiError("request_timeout", "The request did not arrive in time.")];
  }
  return ["400 Bad Request", new AiError("invalid_request", describeParserError(code, hasRequest))];
}

function describeParserError(code: string | undefined, hasRequest: boolean): string {
  if (code === "HPE_HEADER_OVERFLOW") return "The request's headers are larger than this server accepts.";
  if (!hasRequest) return "The request is not valid HTTP/1.1.";
  return "The request is not valid HTTP/1.1: its body is not what its Content-Length or Transfer-Encoding says.";
}
