/** The bounds of realtime sessions and of their connections. */

import { setTimeout as delay } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { MANUAL } from "./testing/realtime-client.ts";
import { startRealtimeServer as start } from "./testing/realtime-server.ts";

test("a message beyond the limit closes the connection with 1009, before it has arrived", async () => {
  const { open, sessionLine } = await start({ realtime: { messageBytesMax: 1000 } });
  const client = await open();
  client.send("x".repeat(1001));
  expect((await client.closed).code).toBe(1009);
  expect(await sessionLine()).toMatchObject({ cause: "protocol", closeCode: 1006, account: "ada" });
});

test("messages that have no room beside other bodies close the connection with 1013", async () => {
  const limits = { bodyBytesMax: 50_000, accountBodiesBytesMax: 50_000, smallBodyBytesMax: 10_000 };
  const { open, sessionLine } = await start({ limits });
  const client = await open();
  client.send({ type: "input_audio_buffer.append", audio: "A".repeat(200_000) });
  expect((await client.closed).code).toBe(1013);
  expect(await sessionLine()).toMatchObject({ cause: "overload" });
});

test("a session update beyond the limit is refused", async () => {
  const { open } = await start({ realtime: { sessionBytesMax: 500 } });
  const client = await open("model=x");
  client.send({ type: "session.update", session: { type: "realtime", instructions: "x".repeat(500) } });
  expect((await client.until("error")).error).toMatchObject({ code: "invalid_value", param: "session" });
});

test("an append of 15 MiB is taken, and longer ones are refused", async () => {
  const { open } = await start({ realtime: { turnMsMax: 1000 } });
  const client = await open();
  client.send(MANUAL);
  await client.until("session.updated");
  client.send({ type: "input_audio_buffer.append", audio: Buffer.alloc(15 * 1024 * 1024).toString("base64") });
  client.send({ type: "input_audio_buffer.append", audio: Buffer.alloc(15 * 1024 * 1024 + 3).toString("base64") });
  const [first, second] = [await client.until("error", 1), await client.until("error", 2)];
  expect(first.error.code).toBe("input_audio_buffer_full");
  expect(second.error).toMatchObject({ code: "invalid_value", param: "audio" });
});

test("a client that sends and never reads is closed, and what waits for it stays bounded", async () => {
  const { open, sessionLine } = await start({ realtime: { sendBytesMax: 64 * 1024 } });
  const client = await open();
  client.socket.pause();
  const flood = setInterval(() => {
    for (let count = 0; count < 2000; count += 1) client.socket.send("{");
  }, 10);
  onTestFinished(() => clearInterval(flood));
  expect(await sessionLine()).toMatchObject({ cause: "slow-reader" });
});

test("a client that answers no ping is disconnected", async () => {
  const { open, sessionLine } = await start({ realtime: { pingMs: 50 } });
  const client = await open();
  client.socket.pause();
  expect(await sessionLine()).toMatchObject({ cause: "no-pong" });
});

test("a client that answers pings stays", async () => {
  const { open } = await start({ realtime: { pingMs: 30 } });
  const client = await open();
  await delay(300);
  client.send(MANUAL);
  await client.until("session.updated");
});

test("a session that is silent for too long gets an error, and is closed", async () => {
  const { open, sessionLine } = await start({ realtime: { idleMsMax: 50 } });
  const client = await open();
  expect((await client.until("error")).error.code).toBe("session_idle");
  expect(await client.closed).toMatchObject({ code: 1001 });
  expect(await sessionLine()).toMatchObject({ cause: "idle", closeCode: 1001 });
});

test("a session that has reached its length gets an error, and is closed", async () => {
  const { open, sessionLine } = await start({ realtime: { sessionMsMax: 100 } });
  const client = await open();
  expect((await client.until("error")).error.code).toBe("session_expired");
  expect(await client.closed).toMatchObject({ code: 1001 });
  expect(await sessionLine()).toMatchObject({ cause: "expired" });
});

test("a session more than an account may have is refused, and there is room again when one is closed", async () => {
  const { open } = await start({ realtime: { accountSessionsMax: 1 } });
  const first = await open();
  await expect(open()).rejects.toThrow("429");
  first.socket.close();
  await first.closed;
  await expect
    .poll(() =>
      open().then(
        () => true,
        () => false,
      ),
    )
    .toBe(true);
});
