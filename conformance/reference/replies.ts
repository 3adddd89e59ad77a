/**
 * The replies that all operations share: JSON, other media, streams, refusals, and a browser's question before a call.
 */

import { randomUUID } from "node:crypto";
import type { ReferenceCall, Reply } from "./call.ts";
import { isMedia } from "./operations/operation.ts";
import { encodeRefusal, makeRefusal, type Refusal } from "./refusal.ts";
import type { ReferenceWire } from "./wire.ts";

/** A long answer pauses this often, so that a client can disconnect in the middle of it. */
const FRAMES_PER_PAUSE = 8;
const PAUSE_MS = 12;

const EXPOSED_HEADERS = "x-request-id, retry-after, retry-after-ms";

/** What a reply has that waits for nothing and holds nothing. */
const UNBOUND: Pick<Reply, "ready" | "release"> = { ready: async () => {}, release: () => {} };

/** JSON, a text as it is, or media. */
export function composeBody(status: number, body: unknown): Reply {
  const [contentType, data] = isMedia(body)
    ? [body.contentType, body.bytes]
    : ["application/json", typeof body === "string" ? body : JSON.stringify(body)];
  const headers = { "content-type": contentType };
  return { status, headers, writes: [{ data, afterMs: 0 }], end: "clean", ...UNBOUND };
}

export interface EventStream {
  readonly events: readonly unknown[];
  /** As `Answer.breaksAfter`. */
  readonly breaksAfter: number | null;
  /** As `ReferenceOperation.hasNamedEvents`. */
  readonly isNamed: boolean;
}

/** An event each, and the sentinel; or some of them and an error. */
export function composeStream(stream: EventStream, call: ReferenceCall, wire: ReferenceWire): Reply {
  const { events, breaksAfter, isNamed } = stream;
  const data = events.map((event) => JSON.stringify(event));
  const sent =
    breaksAfter === null
      ? [...data, ...(isNamed ? [] : ["[DONE]"])]
      : [...data.slice(0, breaksAfter), JSON.stringify(encodeRefusal(makeRefusal("upstream_failed")))];
  const frames = wire.frames(
    sent.map((text) => (isNamed ? nameFrame(wire.frame(text, call)) : wire.frame(text, call))),
    call,
  );
  return {
    status: 200,
    headers: { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" },
    writes: frames.map((frame, index) => ({ data: frame, afterMs: index % FRAMES_PER_PAUSE === 2 ? PAUSE_MS : 0 })),
    end: "clean",
    ...UNBOUND,
  };
}

function nameFrame(frame: string): string {
  const [, type] = /"type":"([^"]+)"/.exec(frame) ?? [];
  return type === undefined ? frame : `event: ${type}\n${frame}`;
}

export function composeRefusal(refusal: Refusal, call: ReferenceCall, wire: ReferenceWire): Reply {
  const reply = composeBody(refusal.status, wire.refusalBody(refusal, call));
  return { ...reply, headers: { ...reply.headers, ...refusal.headers } };
}

export function composePreflight(call: ReferenceCall): Reply {
  const allowed = call.headers["access-control-request-headers"] ?? "authorization, content-type";
  return {
    status: 204,
    headers: {
      "access-control-allow-methods": "GET, HEAD, POST, OPTIONS",
      "access-control-allow-headers": allowed,
      "access-control-max-age": "600",
      ...(call.headers["access-control-request-private-network"] === "true"
        ? { "access-control-allow-private-network": "true" }
        : {}),
    },
    writes: [],
    end: "clean",
    ...UNBOUND,
  };
}

export function addCommonHeaders(reply: Reply, call: ReferenceCall): Reply {
  const headers = {
    ...reply.headers,
    "x-request-id": `req_${randomUUID()}`,
    "access-control-allow-origin": "*",
    "access-control-expose-headers": EXPOSED_HEADERS,
  };
  return { ...reply, headers, writes: call.method === "HEAD" ? [] : reply.writes };
}
