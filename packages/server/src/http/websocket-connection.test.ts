import { once } from "node:events";
import { AiError } from "@openai-compat/core";
import { expect, onTestFinished, test, vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { openWebSocketConnection } from "./websocket-connection.ts";

const ROOM_BYTES = 1000;

test("of a client whose message has no room nothing more is kept, and what was counts until it is gone", async () => {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  onTestFinished(() => server.close());
  await once(server, "listening");
  const onMessage = vi.fn();
  const release = vi.fn();
  let taken = 0;
  const take = vi.fn((bytes: number) => {
    if (taken + bytes > ROOM_BYTES) throw new AiError("queue_full", "There is no room.");
    taken += bytes;
  });
  const accepted = new Promise<ReturnType<typeof openWebSocketConnection>>((resolve) => {
    server.on("connection", (socket, { socket: transport }) => {
      socket.on("message", onMessage);
      const openShare = () => ({ expect: () => {}, bytes: () => taken, take, release });
      resolve(openWebSocketConnection(socket, { transport, openShare, sendBytesMax: 1000, pingMs: 60_000 }));
    });
  });
  const address = server.address();
  const port = typeof address === "object" ? address?.port : null;
  const client = new WebSocket(`ws://127.0.0.1:${port}`);
  onTestFinished(() => client.terminate());
  const connection = await accepted;
  const reading = connection.messages[Symbol.asyncIterator]().next();
  await once(client, "open");
  // It doesn't see that it is closed, and goes on.
  client.pause();
  client.send("x".repeat(2 * ROOM_BYTES), { fin: false });
  await vi.waitFor(() => expect(connection.signal.aborted).toBe(true));
  await reading;
  const releasedBefore = release.mock.calls.length;
  client.send("y".repeat(10), { fin: true });
  expect(await connection.closed).toMatchObject({ cause: "overload" });
  expect(onMessage).not.toHaveBeenCalled();
  expect(take).toHaveBeenCalledTimes(1);
  expect([releasedBefore, release.mock.calls.length]).toEqual([1, 2]);
});
