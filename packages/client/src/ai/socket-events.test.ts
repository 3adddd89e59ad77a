/** Subscriptions over WebSockets: against the whole server, and against one that a test writes message by message. */

import { startScriptedServer } from "@openai-compat/server/scripted-server";
import { expect, onTestFinished, test } from "vitest";
import { ClientError, createClient } from "../index.ts";
import { startSocketServer } from "../testing/socket-server.ts";

type Client = ReturnType<typeof createClient>;

async function readStream({ ai }: Client, signal?: AbortSignal) {
  const texts: string[] = [];
  try {
    for await (const event of ai.promptStream({ prompt: "Hello.", seed: 1 }, signal === undefined ? {} : { signal })) {
      if (event.type === "text-delta") texts.push(event.text);
    }
  } catch (thrown) {
    if (thrown instanceof ClientError) return { texts, error: thrown };
    throw thrown;
  }
  return { texts, error: null };
}

async function startServer(token?: string) {
  const { server, baseUrl, keys } = await startScriptedServer();
  onTestFinished(() => server.close());
  return createClient({ baseURL: baseUrl, token: token ?? keys.key, subscriptions: "websocket" });
}

const dropSoon = (arrival: { drop(): void }) => setTimeout(() => arrival.drop(), 20);

test("streams share a WebSocket and have the text of a prompt in one piece", async () => {
  const client = await startServer();
  const whole = await client.ai.prompt({ prompt: "Hello.", seed: 1 });
  const streams = await Promise.all([readStream(client), readStream(client)]);
  for (const { texts, error } of streams) {
    expect(error).toBeNull();
    expect(texts.join("")).toBe(whole.text);
  }
});

test("what the server refuses throws what a call would", async () => {
  const { ai } = await startServer();
  await expect(ai.promptStream({ prompt: "Hello.", model: "no-such-model" }).next()).rejects.toMatchObject({
    kind: "api",
    status: 404,
    code: "model_not_found",
    param: "model",
  });
});

test("a WebSocket whose credential is refused says so", async () => {
  const { error } = await readStream(await startServer("wrong"));
  expect(error).toMatchObject({ kind: "api", status: 401 });
});

test("a lost connection is opened again behind the last event, and no text is lost or repeated", async () => {
  const { client, arrivals } = await startSocketServer((arrival) => {
    if (arrival.method !== "subscription") return;
    arrival.started();
    if (arrival.connection === 0) {
      arrival.send([0, 1]);
      dropSoon(arrival);
    } else {
      arrival.send([2, 3]);
      arrival.stopped();
    }
  });
  expect(await readStream(client)).toEqual({ texts: ["0", "1", "2", "3"], error: null });
  expect(arrivals.map(({ lastEventId }) => lastEventId)).toEqual([null, "run:1"]);
});

test("a run that the server no longer has ends with the server's error", async () => {
  const data = {
    code: "subscription_lost",
    type: "invalid_request_error",
    param: null,
    httpStatus: 410,
    requestId: "r",
  };
  const { client } = await startSocketServer((arrival) => {
    if (arrival.connection > 0) {
      arrival.fail({ message: "Gone.", code: -32_000, data });
      return;
    }
    arrival.started();
    arrival.send([0]);
    dropSoon(arrival);
  });
  const { texts, error } = await readStream(client);
  expect(texts).toEqual(["0"]);
  expect(error).toMatchObject({ kind: "api", code: "subscription_lost", status: 410 });
});

test("a server that does not come back in time ends the subscription with a typed error", async () => {
  const { client } = await startSocketServer(
    (arrival) => {
      if (arrival.connection === 0) {
        arrival.started();
        arrival.send([0]);
      }
      dropSoon(arrival);
    },
    { reconnectMs: 300 },
  );
  const { texts, error } = await readStream(client);
  expect(texts).toEqual(["0"]);
  expect(error).toMatchObject({ kind: "connection", code: "subscription_lost", retryable: true });
});

test("a stream that is left is stopped on the server", async () => {
  const { client, arrivals } = await startSocketServer((arrival) => {
    if (arrival.method !== "subscription") return;
    arrival.started();
    arrival.send([0, 1]);
  });
  for await (const event of client.ai.promptStream({ prompt: "Hello." })) if (event.type === "text-delta") break;
  await expect.poll(() => arrivals.map(({ method }) => method)).toContain("subscription.stop");
});

test("a stream whose signal fires ends at once", async () => {
  const controller = new AbortController();
  const { client, arrivals } = await startSocketServer((arrival) => {
    if (arrival.method === "subscription") {
      arrival.started();
      setTimeout(() => controller.abort(), 20);
    }
  });
  expect((await readStream(client, controller.signal)).error).toMatchObject({ kind: "aborted" });
  await expect.poll(() => arrivals.map(({ method }) => method)).toContain("subscription.stop");
});

test("a server that can't be reached is an error of kind connection", async () => {
  const { server, baseUrl } = await startScriptedServer();
  await server.close();
  const client = createClient({
    baseURL: baseUrl,
    subscriptions: "websocket",
    retry: { attempts: 2, firstDelayMs: 1 },
  });
  expect((await readStream(client)).error).toMatchObject({ kind: "connection" });
});
