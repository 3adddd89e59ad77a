/**
 * Answers what never becomes a request of the app: what the HTTP parser refused, and `CONNECT`. The envelope goes as raw
 * bytes on the socket, which is closed.
 */

import type { Duplex } from "node:stream";
import { AiError } from "@openai-compat/core";
import { encodeErrorEnvelope } from "./encode-error.ts";
import { createRequestId } from "./headers.ts";

export interface ClientErrorContext {
  /** Whether another request on this socket is being answered: bytes of ours would be taken for its answer. */
  readonly isAnswering: boolean;
}

export function answerClientError(error: Error, socket: Duplex, context: ClientErrorContext): void {
  const code = "code" in error ? String(error.code) : undefined;
  if (code === "ECONNRESET" || !socket.writable || context.isAnswering) {
    socket.destroy();
    return;
  }
  const [statusLine, refusal] = mapParserError(code);
  closeWith(socket, statusLine, refusal);
}

/** This server is no proxy. */
export function answerConnect(socket: Duplex): void {
  // The HTTP server has let go of the socket, and an error that nobody listens for would end the process.
  socket.on("error", () => {});
  const refusal = new AiError("method_not_allowed", "Not allowed to CONNECT: this server is no proxy.");
  closeWith(socket, "405 Method Not Allowed", refusal);
}

/** How long a refused client may go on sending before its connection is cut: cut at once, it might miss the answer. */
const LINGER_MS = 1000;

function closeWith(socket: Duplex, statusLine: string, refusal: AiError): void {
  const body = JSON.stringify(encodeErrorEnvelope(refusal));
  const head = [
    `HTTP/1.1 ${statusLine}`,
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${createRequestId()}`,
    "connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
  socket.resume();
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}

function mapParserError(code: string | undefined): [statusLine: string, error: AiError] {
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") {
    return ["408 Request Timeout", new AiError("request_timeout", "The request did not arrive in time.")];
  }
  const message =
    code === "HPE_HEADER_OVERFLOW"
      ? "The request's headers are larger than this server accepts."
      : "The request is not valid HTTP/1.1.";
  return ["400 Bad Request", new AiError("invalid_request", message)];
}
