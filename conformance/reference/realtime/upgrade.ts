/** From a request for an upgrade to a session, or to a refusal that is a whole answer of HTTP. */

import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { ReferenceCall, Reply } from "../call.ts";
import { isJsonObject } from "../../src/expect.ts";
import { makeRefusal, type Refusal } from "../refusal.ts";
import { addCommonHeaders, composeRefusal } from "../replies.ts";
import { readClientSecret, readCredential } from "../tokens.ts";
import type { ReferenceWire } from "../wire.ts";
import type { Upgrade } from "./realtime-wire.ts";
import { serveSocket } from "./serve-socket.ts";

/** RFC 6455 section 1.3. */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/** Least that an account must have for a session. */
const LEAST_COST = 16;

let sessions = 0;

export function serveUpgrade(request: IncomingMessage, socket: Duplex, wire: ReferenceWire): void {
  socket.on("error", () => socket.destroy());
  const { pathname, search, searchParams } = new URL(request.url ?? "/", "http://reference");
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, value?.toString()]));
  const offered = (headers["sec-websocket-protocol"] ?? "").split(",").map((name) => name.trim());
  const upgrade: Upgrade = { headers, parameters: Object.fromEntries(searchParams), offered };
  const path = pathname.replace(/^\/v1(?=\/)/, "");
  const call = { method: "GET", path, query: search, operation: null, headers: request.headers, body: null };
  const { refusal, account, patch } = admitUpgrade(path, upgrade, wire);
  if (refusal !== null) return refuse(refusal, { call, socket, wire });
  const { intent, model } = upgrade.parameters;
  const protocol = wire.realtime.protocol(upgrade);
  const lines = wire.realtime.head([
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${acceptKey(headers["sec-websocket-key"] ?? "")}`,
    ...Object.entries(wire.realtime.headers(upgrade)).map(([name, value]) => `${name}: ${value}`),
    ...(protocol === null ? [] : [`Sec-WebSocket-Protocol: ${protocol}`]),
  ]);
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  sessions += 1;
  const opening = {
    number: sessions,
    kind: intent === "transcription" ? ("transcription" as const) : ("realtime" as const),
    model: model ?? null,
    created: Math.floor(Date.now() / 1000),
    patch: isJsonObject(patch) ? patch : {},
    isBeta: wire.realtime.isBeta(upgrade),
  };
  serveSocket({ socket, opening, account, wire });
}

interface Admission {
  readonly refusal: Refusal | null;
  readonly account: string;
  readonly patch: unknown;
}

function admitUpgrade(path: string, upgrade: Upgrade, wire: ReferenceWire): Admission {
  const { realtime } = wire;
  const stop = (refusal: Refusal): Admission => ({ refusal, account: "", patch: {} });
  if (path !== "/realtime") return stop(makeRefusal("route_not_found"));
  const broken = realtime.handshake(upgrade);
  if (broken !== null) return stop(broken);
  const header = realtime.credential(upgrade);
  const secret = readClientSecret(header);
  const { verdict, account } = secret ?? readCredential(header, wire.scheme);
  const refusal = realtime.admit(verdict, upgrade) ?? realtime.validate(upgrade);
  if (refusal !== null) return stop(refusal);
  if (realtime.isLimited(account) && !wire.limiter(account).allowed) return stop(makeRefusal("rate_limited"));
  if (!realtime.isFree(account, "upgrade") && !wire.ledger.covers(account, LEAST_COST)) {
    return stop(makeRefusal("quota_exceeded"));
  }
  return { refusal: null, account, patch: secret?.session ?? {} };
}

function acceptKey(key: string): string {
  return createHash("sha1")
    .update(key + GUID)
    .digest("base64");
}

interface Refused {
  readonly call: ReferenceCall;
  readonly socket: Duplex;
  readonly wire: ReferenceWire;
}

function refuse(refusal: Refusal, { call, socket, wire }: Refused): void {
  const reply: Reply = wire.reply(addCommonHeaders(composeRefusal(refusal, call, wire), call), call);
  const body = reply.writes.map(({ data }) => data.toString()).join("");
  const headers = { ...reply.headers, connection: "close", "content-length": String(Buffer.byteLength(body)) };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${reply.status} Refused\r\n${lines.join("")}\r\n${body}`);
}
