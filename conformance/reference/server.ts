/**
 * The reference server: the smallest one that passes every check. It reads requests and writes replies; what a reply
 * says is decided by the wire table, so that a mutant is one replaced function and this file never knows of any.
 */

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { Target } from "../src/target.ts";
import { LIMITED_REQUESTS, OVERLOAD, SMALL_CREDIT } from "./accounts.ts";
import type { Reply } from "./call.ts";
import { handleCall, refuseUnread } from "./handle-call.ts";
import { EMBEDDING_MODEL, FAILING_MODELS, HABIT_MODELS, SLOW_MODEL, SLOW_MODELS, UPSTREAM_SECRET } from "./models.ts";
import { serveResponseUpgrade } from "./response-socket/serve-upgrade.ts";
import { serveUpgrade } from "./realtime/upgrade.ts";
import { resolveOperation } from "./routes.ts";
import { mintReferenceKeys } from "./tokens.ts";
import { defineReferenceWire, type ReferenceWire } from "./wire.ts";

const BODY_BYTES_MAX = 3 * 1024 * 1024;
const BASE_PATH = "/v1";

export interface ReferenceServer extends AsyncDisposable {
  readonly target: Target;
  close(): Promise<void>;
}

/** Starts on a free port of 127.0.0.1. `wire` defaults to the conforming one. */
export async function startReferenceServer(wire: ReferenceWire = defineReferenceWire()): Promise<ReferenceServer> {
  const server = createServer((request, response) => {
    serve(request, response, wire).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : undefined);
    });
  });
  const upgraded = new Set<Duplex>();
  server.on("upgrade", (request, socket) => {
    upgraded.add(socket);
    socket.on("close", () => upgraded.delete(socket));
    const isOfResponses = new URL(request.url ?? "/", "http://reference").pathname === `${BASE_PATH}/responses`;
    if (isOfResponses) serveResponseUpgrade(request, socket, wire.responseSocket);
    else serveUpgrade(request, socket, wire);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    for (const socket of upgraded) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The reference server has no port.");
  return {
    target: {
      baseUrl: `http://127.0.0.1:${address.port}${BASE_PATH}`,
      keys: mintReferenceKeys(Math.floor(Date.now() / 1000)),
      models: {
        chat: "reference-chat",
        embedding: EMBEDDING_MODEL,
        transcription: "reference-transcription",
        speech: "reference-speech",
        ...FAILING_MODELS,
        ...HABIT_MODELS,
      },
      fixtures: {
        small_credit: SMALL_CREDIT,
        rate_limited: { requestsPerMinute: LIMITED_REQUESTS },
        overload: { model: SLOW_MODEL, ...OVERLOAD, others: SLOW_MODELS },
        upstream_secret: UPSTREAM_SECRET,
        body_bytes_max: BODY_BYTES_MAX,
      },
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function serve(request: IncomingMessage, response: ServerResponse, wire: ReferenceWire): Promise<void> {
  const { pathname, search } = new URL(request.url ?? "/", "http://reference");
  const method = request.method ?? "GET";
  const path = pathname.startsWith(`${BASE_PATH}/`) ? pathname.slice(BASE_PATH.length) : `/outside${pathname}`;
  const head = { method, path, query: search, operation: resolveOperation(method, path), headers: request.headers };
  const unread = refuseUnread({ ...head, body: new Uint8Array() }, wire);
  const call = { ...head, body: unread === null ? await readBody(request) : new Uint8Array() };
  await wire.admission(call);
  wire.slots.note();
  const reply = unread ?? handleCall(call, wire);
  try {
    await reply.ready();
    await writeReply(response, reply);
  } finally {
    reply.release();
  }
}

async function readBody(request: IncomingMessage): Promise<Uint8Array | null> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size <= BODY_BYTES_MAX) parts.push(part);
  }
  return size > BODY_BYTES_MAX ? null : Buffer.concat(parts);
}

async function writeReply(response: ServerResponse, reply: Reply): Promise<void> {
  response.writeHead(reply.status, reply.headers);
  for (const write of reply.writes) {
    if (write.afterMs > 0) await sleep(write.afterMs);
    if (response.destroyed) return;
    response.write(write.data);
  }
  if (reply.end === "clean") response.end();
  if (reply.end === "cut") response.destroy();
}
