/** Forms with large files on their way to an upstream. */

import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { AiError } from "@openai-compat/core";
import { expect, onTestFinished, test } from "vitest";
import { findDeadUrl, startRawUpstream } from "./testing/fake-upstream.ts";
import { collectAnswer, createTestEngine, never, rejection, upstreamRequest } from "./testing/upstream-calls.ts";

/** In pieces of odd sizes, as they come from a socket. */
function createPieces(bytes: number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let size = 1, sum = 0; sum < bytes; size = (size * 7 + 3) % 70_001) {
    const piece = Buffer.alloc(Math.max(1, Math.min(size, bytes - sum)));
    for (let index = 0; index < piece.length; index += 1) piece[index] = (sum + index) * 31;
    pieces.push(piece);
    sum += piece.length;
  }
  return pieces;
}

const formOf = (pieces: readonly Buffer[]) =>
  upstreamRequest({
    operation: "createTranscription",
    path: "/audio/transcriptions",
    body: { kind: "form", fields: [{ name: "file", fileName: "a.mp3", contentType: "audio/mpeg", pieces }] },
  });

async function startServer(handle: (request: IncomingMessage) => Promise<string>): Promise<string> {
  const server = createServer((request, response) => {
    void handle(request).then((text) =>
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ text })),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}/v1`;
}

async function readForm(request: IncomingMessage, pauseMs: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    chunks.push(Buffer.from(chunk));
    if (chunks.length % 10 === 0) await delay(pauseMs);
  }
  const form = Buffer.concat(chunks);
  expect(request.headers["content-length"]).toBe(String(form.length));
  expect(request.headers["transfer-encoding"]).toBeUndefined();
  return form;
}

test("a file arrives byte for byte, also where its reader is slow and another base URL was tried before", async () => {
  const pieces = createPieces(3_000_000);
  const content = Buffer.concat(pieces);
  const forms: Buffer[] = [];
  const baseUrl = await startServer(async (request) => {
    forms.push(await readForm(request, 5));
    return "heard";
  });
  const engine = createTestEngine([await findDeadUrl(), baseUrl]);
  for (let call = 0; call < 2; call += 1) {
    const { text } = await collectAnswer(engine.forward(formOf(pieces), never));
    expect(JSON.parse(text)).toMatchObject({ text: "heard" });
  }
  expect(forms).toHaveLength(2);
  for (const form of forms) expect(form.indexOf(content)).toBeGreaterThan(0);
});

test("an upload whose call is aborted closes its connection, though its reader takes nothing", async () => {
  const opened = Promise.withResolvers<Socket>();
  const { baseUrl } = await startRawUpstream((socket) => opened.resolve(socket.pause()));
  const call = new AbortController();
  const engine = createTestEngine([baseUrl]);
  const running = rejection(collectAnswer(engine.forward(formOf(createPieces(20_000_000)), call.signal)));
  const socket = await opened.promise;
  // For as much as the connection takes to be written.
  await delay(50);
  const reason = new AiError("cancelled", "gone");
  call.abort(reason);
  expect(await running).toBe(reason);
  // Only a reader sees that the other end is gone.
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.resume();
  await closed;
});

test("an upload that its upstream breaks off is the upstream's failure, and the next one is sent", async () => {
  let connections = 0;
  const { baseUrl } = await startRawUpstream((socket) => {
    connections += 1;
    if (connections === 1) setTimeout(() => socket.destroy(), 20);
    else {
      socket.resume();
      setTimeout(
        () =>
          socket.end('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 13\r\n\r\n{"text":"ok"}'),
        50,
      );
    }
  });
  const engine = createTestEngine([baseUrl]);
  const request = formOf(createPieces(20_000_000));
  expect(await rejection(collectAnswer(engine.forward(request, never)))).toMatchObject({ code: "upstream_failed" });
  expect((await collectAnswer(engine.forward(request, never))).text).toContain("ok");
});

test("a refusal that comes before the whole file was read is the one that the caller gets", async () => {
  const body = JSON.stringify({ error: { message: "The file is too large.", type: "invalid_request_error" } });
  const { baseUrl } = await startRawUpstream((socket) => {
    socket.write(
      `HTTP/1.1 413 Payload Too Large\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
    );
  });
  const refused = await rejection(
    collectAnswer(createTestEngine([baseUrl]).forward(formOf(createPieces(20_000_000)), never)),
  );
  expect(refused).toMatchObject({ code: "body_too_large", message: expect.stringContaining("too large") });
});
