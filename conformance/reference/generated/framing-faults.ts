/** Each rule of the framing of a stream, and of the end of a body, broken. */

import { listHttpOperations, operations } from "@openai-compat/spec";
import type { Reply, Write } from "../call.ts";
import { afterAll, oneWrite, readReply, withHeader, withoutHeader } from "../mutants/mutant.ts";
import { REFERENCE_OPERATIONS } from "../operations/index.ts";
import { stripFields } from "./edit-reply.ts";
import { type Fault, listModes, modeOfReply, OPERATION_NAMES } from "./fault.ts";

type Change = (reply: Reply) => Partial<Reply>;

const write = (data: string | Uint8Array): Write => ({ data, afterMs: 0 });

function eachFrame(change: (frame: string, index: number) => string | Uint8Array): Change {
  return ({ writes }) => ({
    writes: writes.map(({ data, afterMs }, index) => ({ data: change(String(data), index), afterMs })),
  });
}

const STREAM_RULES: Readonly<Record<string, Change>> = {
  "no-blank-line": eachFrame((frame) => `${frame.trimEnd()}\n`),
  "one-without-blank-line": eachFrame((frame, index) => (index === 1 ? `${frame.trimEnd()}\n` : frame)),
  "no-field-name": eachFrame((frame) => frame.replace(/^data: /m, "")),
  "other-field-name": eachFrame((frame) => frame.replace(/^data:/m, "datum:")),
  "upper-case-field": eachFrame((frame) => frame.replace(/^data:/m, "DATA:")),
  "doubled-prefix": eachFrame((frame) => frame.replace(/^data:/m, "data: data:")),
  "json-with-line-breaks": eachFrame((frame) => frame.replace("{", "{\n")),
  "json-lines": eachFrame((frame) => `${stripFields(frame)}\n`),
  "two-in-one": ({ writes }) => ({
    writes: [
      write(
        `data: ${writes
          .slice(0, 2)
          .map(({ data }) => stripFields(String(data)))
          .join("")}\n\n`,
      ),
      ...writes.slice(2),
    ],
  }),
  "broken-json": eachFrame((frame, index) => (index === 1 ? frame.replace(/\}\n\n$/, "\n\n") : frame)),
  "null-event": ({ writes }) => ({ writes: [...writes.slice(0, 1), write("data: null\n\n"), ...writes.slice(1)] }),
  "empty-event": ({ writes }) => ({ writes: [...writes.slice(0, 1), write("data: \n\n"), ...writes.slice(1)] }),
  "array-event": ({ writes }) => ({ writes: [...writes.slice(0, 1), write("data: []\n\n"), ...writes.slice(1)] }),
  "empty-object-event": ({ writes }) => ({
    writes: [...writes.slice(0, 1), write("data: {}\n\n"), ...writes.slice(1)],
  }),
  "error-event": ({ writes }) => ({
    writes: [
      ...writes.slice(0, 2),
      write('data: {"error":{"message":"x","type":"server_error","param":null,"code":null}}\n\n'),
    ],
  }),
  latin1: eachFrame((frame) => Buffer.from(frame, "latin1")),
  utf16: eachFrame((frame) => Buffer.from(frame, "utf16le")),
  nothing: () => ({ writes: [] }),
  "done-alone": ({ writes }) => ({ writes: writes.slice(-1) }),
  "no-done-and-no-end": ({ writes }) => ({ writes: writes.slice(0, -1), end: "open" }),
  "never-ends": () => ({ end: "open" }),
  "cut-in-frame": ({ writes }) => ({
    writes: [...writes.slice(0, -2), ...writes.slice(-2, -1).map(({ data }) => write(String(data).slice(0, 12)))],
    end: "cut",
  }),
  "cut-before-done": ({ writes }) => ({ writes: writes.slice(0, -1), end: "cut" }),
  "ends-in-frame": ({ writes }) => ({
    writes: [...writes.slice(0, -2), ...writes.slice(-2, -1).map(({ data }) => write(String(data).slice(0, 12)))],
  }),
  "ends-in-the-middle": ({ writes }) => ({ writes: writes.slice(0, writes.length >> 1) }),
  "without-last-blank-line": ({ writes }) => ({
    writes: [...writes.slice(0, -1), ...writes.slice(-1).map(({ data }) => write(String(data).trimEnd()))],
  }),
  "event-after-done": ({ writes }) => ({ writes: [...writes, ...writes.slice(-2, -1)] }),
  "done-in-quotes": ({ writes }) => ({ writes: [...writes.slice(0, -1), write('data: "[DONE]"\n\n')] }),
  "done-in-lower-case": ({ writes }) => ({ writes: [...writes.slice(0, -1), write("data: [done]\n\n")] }),
  "all-at-once": (reply) => ({ writes: afterAll(reply) }),
  "as-json": (reply) => ({
    ...withHeader(reply, "content-type", "application/json"),
    writes: oneWrite(stripFields(String(reply.writes[0]?.data ?? ""))),
  }),
  "gzip-header-alone": (reply) => withHeader(reply, "content-encoding", "gzip"),
};

/** Of streams whose events have names. */
const NAME_RULES: Readonly<Record<string, Change>> = {
  "no-event-name": eachFrame((frame) => frame.replace(/^event: [^\n]*\n/, "")),
  "other-event-name": eachFrame((frame) => frame.replace(/^event: [^\n]*/, "event: message")),
  "event-name-after-data": eachFrame((frame) => frame.replace(/^(event: [^\n]*)\n(data: [^\n]*)\n/, "$2\n\n$1\n")),
};

const BODY_RULES: Readonly<Record<string, Change>> = {
  empty: () => ({ writes: [] }),
  cut: (reply) => ({ writes: oneWrite(bytesOf(reply).subarray(0, -1)), end: "cut" }),
  "last-byte-missing": (reply) => ({ writes: oneWrite(bytesOf(reply).subarray(0, -1)) }),
  "never-ends": () => ({ end: "open" }),
  "as-event": (reply) => ({
    ...withHeader(reply, "content-type", "text/event-stream"),
    writes: oneWrite(`data: ${readReply(reply)}\n\n`),
  }),
  "byte-order-mark": (reply) => ({ writes: [write(Buffer.from([0xef, 0xbb, 0xbf])), ...reply.writes] }),
  "in-a-list": (reply) => ({ writes: oneWrite(`[${readReply(reply)}]`) }),
  "in-a-string": (reply) => ({ writes: oneWrite(JSON.stringify(readReply(reply))) }),
  "in-data": (reply) => ({ writes: oneWrite(`{"data":${readReply(reply)}}`) }),
  null: () => ({ writes: oneWrite("null") }),
  "empty-object": () => ({ writes: oneWrite("{}") }),
  latin1: (reply) => ({ writes: oneWrite(Buffer.from(readReply(reply), "latin1")) }),
  "status-201": () => ({ status: 201 }),
  "status-202": () => ({ status: 202 }),
  "status-204": () => ({ status: 204, writes: [] }),
  "status-500": () => ({ status: 500 }),
  "gzip-header-alone": (reply) => withHeader(reply, "content-encoding", "gzip"),
  "no-headers": (reply) => withoutHeader({ ...reply, headers: {} }, ""),
};

const REFUSAL_RULES: Readonly<Record<string, Change>> = {
  "as-200": () => ({ status: 200 }),
  "as-418": () => ({ status: 418 }),
  "as-500": () => ({ status: 500 }),
  empty: () => ({ writes: [] }),
  "as-page": (reply) => ({
    ...withHeader(reply, "content-type", "text/html"),
    writes: oneWrite("<html><body>Something went wrong</body></html>"),
  }),
  "as-detail": () => ({ writes: oneWrite('{"detail":"Something went wrong"}') }),
  "as-text": () => ({ writes: oneWrite('{"error":"Something went wrong"}') }),
  "as-event": (reply) => ({
    ...withHeader(reply, "content-type", "text/event-stream"),
    writes: oneWrite(`data: ${readReply(reply)}\n\n`),
  }),
  "as-200-event": (reply) => ({
    ...withHeader(reply, "content-type", "text/event-stream"),
    status: 200,
    writes: oneWrite(`data: ${readReply(reply)}\n\ndata: [DONE]\n\n`),
  }),
  cut: (reply) => ({ writes: oneWrite(bytesOf(reply).subarray(0, -1)), end: "cut" }),
};

function bytesOf(reply: Reply): Uint8Array {
  return Buffer.concat(reply.writes.map(({ data }) => Buffer.from(data)));
}

export function listFramingFaults(): readonly Fault[] {
  return listHttpOperations(operations).flatMap(({ id }) => [
    ...listModes(id).flatMap((mode) => list(id, mode, mode === "stream" ? STREAM_RULES : BODY_RULES)),
    ...(REFERENCE_OPERATIONS[id].hasNamedEvents === true ? list(id, "stream", NAME_RULES) : []),
    ...list(id, "refusal", REFUSAL_RULES),
  ]);
}

function list(id: keyof typeof OPERATION_NAMES, mode: Fault["mode"], rules: Readonly<Record<string, Change>>): Fault[] {
  return Object.entries(rules).map(([name, change]) => ({
    id: `${OPERATION_NAMES[id]}.${mode}.framing.${name}`,
    description: `a ${mode} is framed wrongly: ${name}`,
    operation: id,
    mode,
    operator: mode === "refusal" ? "refusal form" : "framing",
    mutate: () => ({
      reply: (given, call) => {
        if (call.operation !== id || modeOfReply(given) !== mode || given.writes.length === 0) return given;
        return { ...given, ...change(given) };
      },
    }),
  }));
}
