/** Answers what the HTTP parser refused, where no request object exists: the envelope as raw bytes on the socket. */

import type { Duplex } from "node:stream";
import { AiError } from "@openai-compat/core";
import { encodeErrorEnvelope } from "./encode-error.ts";
import { createRequestId } from "./headers.ts";

export interface ClientErrorContext {
  /** Whether an earlier request on this socket is being answered: bytes of ours would land in the middle of it. */
  readonly isAnswering: boolean;
}

export function answerClientError(error: Error, socket: Duplex, context: ClientErrorContext): void {
  const code = "code" in error ? String(error.code) : undefined;
  if (code === "ECONNRESET" || !socket.writable || context.isAnswering) {
    socket.destroy();
    return;
  }
  const [statusLine, refusal] = mapParserError(code);
  const body = JSON.stringify(encodeErrorEnvelope(refusal));
  const head = [
    `HTTP/1.1 ${statusLine}`,
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${createRequestId()}`,
    "connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
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
