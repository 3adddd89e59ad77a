/**
 * The socket of a realtime connection of the reference server: from bytes to messages and back. What is said is decided
 * by the wire table.
 */

import { isUtf8 } from "node:buffer";
import type { Duplex } from "node:stream";
import type { ReferenceWire } from "../wire.ts";
import { type Frame, OPCODES, readCloseCode, readFrame, writeClose } from "./frames.ts";
import { handleMessage } from "./handlers.ts";
import type { Violation } from "./realtime-wire.ts";
import { type Close, composeError, type Opening, type ServerEvent, type Session, type Step } from "./session.ts";

export interface SocketOptions {
  readonly socket: Duplex;
  readonly opening: Opening;
  readonly account: string;
  readonly wire: ReferenceWire;
}

const MESSAGE_BYTES_MAX = 24 * 1024 * 1024;
const OUT_OF_CREDIT = { code: "insufficient_quota", message: "The account has too little credit for this." };
const FRAME_OPCODES: readonly number[] = Object.values(OPCODES);

export function serveSocket({ socket, opening, account, wire }: SocketOptions): void {
  const { realtime } = wire;
  let session: Session;
  let sent = 0;
  let unread: Buffer = Buffer.alloc(0);
  let fragments: Buffer[] = [];
  let isText = true;
  let held: ServerEvent[] = [];

  const write = (event: ServerEvent): void => {
    sent += 1;
    const stamped = realtime.stamp(event, { session: opening.number, number: sent });
    socket.write(realtime.frame(stamped));
  };
  let isClosed = false;
  const close = ({ code, reason }: Close): void => {
    isClosed = true;
    socket.end(writeClose(code, reason));
  };
  const take = (step: Step, text: string, before: Session | null): void => {
    const paid = realtime.step(pay(step, account, wire), before, text);
    ({ session } = paid);
    for (const event of paid.events) {
      if (held.length > 0 || realtime.holds(event)) held.push(event);
      else write(event);
    }
    if (paid.close !== undefined) close(paid.close);
  };
  const violate = (violation: Violation): void => {
    const reply = realtime.violation(violation);
    if (reply === "error") write(composeError({ code: "invalid_message", message: "Send text messages." }, null));
    else if (reply !== null) close(reply);
  };
  const receive = (payload: Buffer): void => {
    if (!isText) return violate("binary");
    if (!isUtf8(payload)) return violate("not-utf8");
    const released = held;
    held = [];
    for (const event of released) write(event);
    const text = payload.toString();
    take(handleMessage(session, text, realtime), text, session);
  };
  const handle = (frame: Frame): void => {
    const { opcode, payload } = frame;
    if (!frame.isMasked) return violate("unmasked");
    if (frame.reserved !== 0) return violate("reserved-bits");
    if (!FRAME_OPCODES.includes(opcode)) return violate("opcode");
    if (opcode === OPCODES.ping) return reply(realtime.pong(payload));
    if (opcode === OPCODES.pong) return;
    if (opcode === OPCODES.close) {
      isClosed = true;
      reply(realtime.closeReply(readCloseCode(payload)));
      return void socket.end();
    }
    if (opcode === OPCODES.continuation && fragments.length === 0) return violate("lost-fragment");
    if (opcode !== OPCODES.continuation) isText = opcode === OPCODES.text;
    fragments.push(payload);
    if (!frame.isLast) return;
    const whole = realtime.join(fragments);
    fragments = [];
    receive(whole);
  };
  const reply = (bytes: Buffer | null): void => {
    if (bytes !== null && socket.writable) socket.write(bytes);
  };

  // A server's sockets stay half open else.
  socket.on("end", () => void socket.end());
  socket.on("close", () => {
    if (!isClosed) realtime.lost(unread.length);
  });
  const read = (bytes: Buffer): void => {
    unread = Buffer.concat([unread, bytes]);
    for (let next = readFrame(unread); next !== null && socket.writable; next = readFrame(unread)) {
      if (next.claimedBytes > MESSAGE_BYTES_MAX) return violate("too-large");
      if (next.frame === null) return;
      unread = next.rest;
      handle(next.frame);
    }
  };
  socket.on("data", (bytes: Buffer) => {
    try {
      read(bytes);
    } catch {
      // A mutant that breaks ends its connection, not the judgement of all others.
      socket.destroy();
    }
  });
  const opened = realtime.open(opening);
  ({ session } = opened);
  take(opened, "", null);
}

/** A turn is paid for when it ends; who can't pay for it hears that instead. */
function pay(step: Step, account: string, wire: ReferenceWire): Step {
  const turns = step.events.filter(({ type }) => type.endsWith("transcription.completed")).length;
  if (turns === 0) return step;
  const cost = turns * wire.realtime.costOf(step);
  if (wire.realtime.isFree(account, "turn") || wire.ledger.covers(account, cost)) {
    wire.ledger.charge(account, cost);
    return step;
  }
  const close = { code: 1008, reason: OUT_OF_CREDIT.code };
  return { session: step.session, events: [composeError(OUT_OF_CREDIT, null)], close };
}
