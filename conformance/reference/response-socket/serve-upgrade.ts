/** The WebSocket for responses of the reference server: the upgrade, and frames to messages and back. */

import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { OPCODES, readCloseCode, readFrame, writeClose, writeFrame } from "../realtime/frames.ts";
import { encodeRefusal, makeRefusal } from "../refusal.ts";
import { readCredential } from "../tokens.ts";
import { refuse, type ResponseSocketWire, type SocketConnection } from "./socket-wire.ts";

export function serveResponseUpgrade({ headers }: IncomingMessage, socket: Duplex, wire: ResponseSocketWire): void {
  socket.on("error", () => socket.destroy());
  const { verdict, account } = readCredential(headers.authorization, /^bearer$/i);
  const refusal = wire.admit(verdict);
  if (refusal !== null) {
    const body = JSON.stringify(encodeRefusal(refusal));
    const head = { "content-type": "application/json", connection: "close", "content-length": Buffer.byteLength(body) };
    return void socket.end(`${writeHead(`${refusal.status} Refused`, head)}${body}`);
  }
  const accept = wire.accept(headers["sec-websocket-key"] ?? "");
  const upgrade = { upgrade: "websocket", connection: "Upgrade", "sec-websocket-accept": accept };
  socket.write(writeHead("101 Switching Protocols", upgrade));
  serveMessages(socket, { account, answers: 0, last: null }, wire);
}

function writeHead(status: string, headers: Readonly<Record<string, string | number>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status}\r\n${lines.join("")}\r\n`;
}

function serveMessages(socket: Duplex, opened: SocketConnection, wire: ResponseSocketWire): void {
  let connection = opened;
  let unread: Buffer = Buffer.alloc(0);
  let fragments: Buffer[] = [];
  const receive = (text: string): void => {
    const { messages, last, closes } = wire.covers(connection.account)
      ? wire.answer(text, connection)
      : refuse(makeRefusal("quota_exceeded"));
    connection = { ...connection, answers: connection.answers + 1, last };
    for (const message of messages) socket.write(writeFrame(OPCODES.text, Buffer.from(JSON.stringify(message))));
    if (closes) socket.end(writeClose(1011, "internal error"));
  };
  const handle = (opcode: number, payload: Buffer, isLast: boolean): void => {
    if (opcode === OPCODES.ping) return void socket.write(writeFrame(OPCODES.pong, payload));
    if (opcode === OPCODES.pong) return;
    if (opcode === OPCODES.close) {
      const code = readCloseCode(payload);
      return void socket.end(code === 1005 ? writeFrame(OPCODES.close, Buffer.alloc(0)) : writeClose(code, ""));
    }
    fragments.push(payload);
    if (!isLast) return;
    const text = Buffer.concat(fragments).toString();
    fragments = [];
    receive(text);
  };
  // A server's sockets stay half open else.
  socket.on("end", () => void socket.end());
  socket.on("data", (bytes: Buffer) => {
    unread = Buffer.concat([unread, bytes]);
    for (let next = readFrame(unread); next !== null && socket.writable; next = readFrame(unread)) {
      if (next.frame === null) return;
      unread = next.rest;
      handle(next.frame.opcode, next.frame.payload, next.frame.isLast);
    }
  });
}
