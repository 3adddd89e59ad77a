/** Each rule of the upgrade, of the frames, and of the end of a connection, broken. */

import type { JsonObject } from "../../../src/expect.ts";
import { OPCODES, writeClose, writeFrame } from "../../realtime/frames.ts";
import type { RealtimeWire, Violation } from "../../realtime/realtime-wire.ts";
import type { Close } from "../../realtime/session.ts";
import type { Fault } from "../fault.ts";
import { defineRealtimeFault } from "./realtime-fault.ts";

const textOf = (event: JsonObject): Buffer => Buffer.from(JSON.stringify(event));
const asText = (text: string): Buffer => writeFrame(OPCODES.text, Buffer.from(text));

/** The frame with other bits in its first byte. */
function withFirst(frame: Buffer, change: (first: number) => number): Buffer {
  const copy = Buffer.from(frame);
  copy[0] = change(copy[0] ?? 0);
  return copy;
}

const FRAMES: Readonly<Record<string, (event: JsonObject) => Uint8Array>> = {
  binary: (event) => writeFrame(OPCODES.binary, textOf(event)),
  "two-in-one": (event) => asText(JSON.stringify(event) + JSON.stringify(event)),
  "json-lines": (event) => asText(`${JSON.stringify(event)}\n${JSON.stringify(event)}\n`),
  "cut-json": (event) => asText(JSON.stringify(event).slice(0, -1)),
  "cut-frame": (event) => writeFrame(OPCODES.text, textOf(event)).subarray(0, -1),
  "in-a-list": (event) => asText(JSON.stringify([event])),
  "in-a-string": (event) => asText(JSON.stringify(JSON.stringify(event))),
  "in-data": (event) => asText(JSON.stringify({ data: event })),
  "as-sse": (event) => asText(`data: ${JSON.stringify(event)}\n\n`),
  "byte-order-mark": (event) => asText(`\uFEFF${JSON.stringify(event)}`),
  "zero-byte-after": (event) => asText(`${JSON.stringify(event)}\0`),
  "not-utf8": (event) =>
    writeFrame(OPCODES.text, Buffer.concat([textOf(event).subarray(0, -1), Buffer.from([0xff, 0x7d])])),
  utf16: (event) => writeFrame(OPCODES.text, Buffer.from(JSON.stringify(event), "utf16le")),
  empty: () => asText(""),
  null: () => asText("null"),
  "never-last": (event) => withFirst(writeFrame(OPCODES.text, textOf(event)), (first) => first & 0x7f),
  "reserved-bits": (event) => withFirst(writeFrame(OPCODES.text, textOf(event)), (first) => first | 0x40),
  "unknown-opcode": (event) => writeFrame(3, textOf(event)),
  continuation: (event) => writeFrame(OPCODES.continuation, textOf(event)),
  masked: (event) => {
    const { length } = textOf(event);
    const frame = writeFrame(OPCODES.text, textOf(event));
    const head = frame.subarray(0, frame.length - length);
    const masked = Buffer.from(head);
    masked[1] = (masked[1] ?? 0) | 0x80;
    return Buffer.concat([masked, Buffer.alloc(4), textOf(event)]);
  },
};

/** All events, or one: the third of each connection. */
function listFrameFaults(): readonly Fault[] {
  return Object.entries(FRAMES).flatMap(([name, change]) => [
    defineRealtimeFault(
      { id: `framing.${name}`, description: `events are framed wrongly: ${name}`, operator: "framing" },
      () => ({ frame: change }),
    ),
    defineRealtimeFault(
      { id: `framing.${name}.one`, description: `one kind of event is framed wrongly: ${name}`, operator: "framing" },
      ({ frame }) => ({
        frame: (event) => (event["type"] === "conversation.item.done" ? change(event) : frame(event)),
      }),
    ),
  ]);
}

const replaceLine =
  (pattern: RegExp, line: string): RealtimeWire["head"] =>
  (lines) =>
    lines.map((known) => (pattern.test(known) ? line : known)).filter((known) => known !== "");

const HEADS: Readonly<Record<string, RealtimeWire["head"]>> = {
  "status-200": replaceLine(/^HTTP/, "HTTP/1.1 200 OK"),
  "status-102": replaceLine(/^HTTP/, "HTTP/1.1 102 Processing"),
  "no-upgrade": replaceLine(/^Upgrade:/, ""),
  "other-upgrade": replaceLine(/^Upgrade:/, "Upgrade: h2c"),
  "no-connection": replaceLine(/^Connection:/, ""),
  "other-connection": replaceLine(/^Connection:/, "Connection: keep-alive"),
  "no-accept": replaceLine(/^Sec-WebSocket-Accept:/, ""),
  "other-accept": replaceLine(/^Sec-WebSocket-Accept:/, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
  "other-protocol": (lines) => [
    ...lines.filter((line) => !line.startsWith("Sec-WebSocket-Protocol")),
    "Sec-WebSocket-Protocol: other",
  ],
  "unasked-extension": (lines) => [...lines, "Sec-WebSocket-Extensions: permessage-deflate"],
};

const closeBytes = (code: number): Buffer => writeClose(code, "");
const CLOSES: Readonly<Record<string, RealtimeWire["closeReply"]>> = {
  unanswered: () => null,
  "no-code": () => writeFrame(OPCODES.close, Buffer.alloc(0)),
  "1001": () => closeBytes(1001),
  "1005": () => closeBytes(1005),
  "1006": () => closeBytes(1006),
  "1011": () => closeBytes(1011),
  "4000": () => closeBytes(4000),
  "half-a-code": () => writeFrame(OPCODES.close, Buffer.from([3])),
  pong: () => writeFrame(OPCODES.pong, Buffer.alloc(0)),
};

const PONGS: Readonly<Record<string, RealtimeWire["pong"]>> = {
  unanswered: () => null,
  empty: () => writeFrame(OPCODES.pong, Buffer.alloc(0)),
  other: () => writeFrame(OPCODES.pong, Buffer.from("other")),
  "as-ping": (payload) => writeFrame(OPCODES.ping, payload),
  "as-text": (payload) => writeFrame(OPCODES.text, payload),
};

const VIOLATIONS: readonly Violation[] = [
  "unmasked",
  "reserved-bits",
  "opcode",
  "lost-fragment",
  "not-utf8",
  "too-large",
  "binary",
];
const ANSWERS: Readonly<Record<string, Close | "error" | null>> = {
  unnoticed: null,
  error: "error",
  "1000": { code: 1000, reason: "" },
  "1011": { code: 1011, reason: "internal error" },
};

function listViolationFaults(): readonly Fault[] {
  return VIOLATIONS.flatMap((broken) =>
    Object.entries(ANSWERS)
      // That is what the reference does.
      .filter(([, answer]) => broken !== "binary" || answer !== "error")
      .map(([name, answer]) =>
        defineRealtimeFault(
          {
            id: `violation.${broken}.${name}`,
            description: `a frame that is ${broken}: ${name}`,
            operator: "violation",
          },
          ({ violation }) => ({ violation: (given) => (given === broken ? answer : violation(given)) }),
        ),
      ),
  );
}

export function listRealtimeFramingFaults(): readonly Fault[] {
  const list = <T>(group: string, rules: Readonly<Record<string, T>>, change: (rule: T) => Partial<RealtimeWire>) =>
    Object.entries(rules).map(([name, rule]) =>
      defineRealtimeFault(
        { id: `${group}.${name}`, description: `the ${group} is wrong: ${name}`, operator: group },
        () => change(rule),
      ),
    );
  return [
    ...listFrameFaults(),
    ...list("upgrade", HEADS, (head) => ({ head })),
    ...list("close", CLOSES, (closeReply) => ({ closeReply })),
    ...list("pong", PONGS, (pong) => ({ pong })),
    ...listViolationFaults(),
  ];
}
