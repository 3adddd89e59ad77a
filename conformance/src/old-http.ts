/**
 * One request of HTTP/1.0 over a bare socket, without a Host header, as health checks of load balancers send it; Node's
 * own client sends neither. It records what comes and judges nothing.
 */

import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { ExchangeRecording } from "./exchange-recording.ts";

export interface OldRequest {
  readonly method: string;
  readonly url: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Ends the request, and what is recorded stays. */
  readonly signal: AbortSignal;
}

/** Why there is no response to a request that we ended ourselves. */
export function endedEarly(): DOMException {
  return new DOMException("the request was ended before a response", "AbortError");
}

const HEAD_END = "\r\n\r\n";

/** Resolves when the server has closed the connection, however it ended. */
export function sendOldRequest(request: OldRequest, recording: ExchangeRecording): Promise<void> {
  const { method, url, headers, signal } = request;
  const { hostname, port, protocol, pathname, search } = new URL(url);
  const isTls = protocol === "https:";
  const address = { host: hostname.replace(/^\[(.*)\]$/, "$1"), port: Number(port) || (isTls ? 443 : 80) };
  const socket = isTls ? connectTls({ ...address, servername: hostname }) : connectTcp(address);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`${method} ${pathname}${search} HTTP/1.0\r\n${lines.join("")}\r\n`);
  return new Promise((resolve) => {
    const abort = (): void => void socket.destroy(endedEarly());
    signal.addEventListener("abort", abort, { once: true });
    recordReply(socket, recording);
    socket.on("error", (error) => recording.fail(error));
    socket.on("close", () => {
      signal.removeEventListener("abort", abort);
      recording.fail(new Error("the connection was closed without a response"));
      resolve();
    });
    if (signal.aborted) abort();
  });
}

/** The body of an answer of HTTP/1.0 ends with the connection. */
function recordReply(socket: Socket, recording: ExchangeRecording): void {
  let head = "";
  socket.on("data", (bytes: Buffer) => {
    if (recording.hasResponse) return recording.append(bytes);
    head += bytes.toString("latin1");
    const end = head.indexOf(HEAD_END);
    if (end === -1) return;
    const [statusLine = "", ...fields] = head.slice(0, end).split("\r\n");
    recording.respond(Number(statusLine.split(" ")[1]), readFields(fields));
    recording.append(Buffer.from(head.slice(end + HEAD_END.length), "latin1"));
  });
  socket.on("end", () => {
    if (recording.hasResponse) recording.finish("clean");
  });
}

function readFields(lines: readonly string[]): Record<string, string> {
  const pairs = lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return Object.fromEntries(pairs);
}
